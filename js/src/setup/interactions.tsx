/** Products of predictors. Two or more are ticked, then added together. */
import { useRef, useState } from "preact/hooks";
import { Icon } from "../controls/icon";
import { LevelBadge } from "../controls/levelBadge";
import { Listbox } from "../controls/listbox";
import { Popover } from "../controls/popover";
import type { PredictorPayload, Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chip } from "./chip";
import { SetupRow } from "./row";

interface ChooserProps {
  predictors: PredictorPayload[];
  onAdd(ids: string[]): void;
  onClose(back: boolean): void;
}

function Chooser({ predictors, onAdd, onClose }: ChooserProps) {
  const [ids, setIds] = useState<string[]>([]);
  const isEnough = ids.length >= 2;
  const toggle = (id: string) => setIds(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
  const labels = predictors.filter(({ id }) => ids.includes(id)).map(({ label }) => label);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !isEnough) return;
    event.preventDefault();
    event.stopPropagation();
    onAdd(ids);
  };
  const options = predictors.map(({ id, label, level }) => ({ id, label, cells: <LevelBadge level={level} /> }));
  return (
    <div class="mlm-chooser" onKeyDownCapture={onKeyDown}>
      <Listbox
        label="Predictors to multiply"
        options={options}
        chosen={ids}
        multiple
        onPick={toggle}
        onClose={onClose}
      />
      <div class="mlm-chooser-foot">
        <span role="status">{isEnough ? labels.join(" × ") : "Tick two or more"}</span>
        <button
          type="button"
          class="mlm-button mlm-primary"
          data-mlm="interaction-confirm"
          tabIndex={-1}
          aria-disabled={!isEnough}
          onClick={() => isEnough && onAdd(ids)}
        >
          Add
        </button>
      </div>
    </div>
  );
}

function AddInteraction({ predictors }: { predictors: PredictorPayload[] }) {
  const { ask } = useSession();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const problem = predictors.length < 2 ? "Needs two predictors" : null;
  const close = (back: boolean) => {
    setOpen(false);
    if (back) button.current?.focus({ preventScroll: true });
  };
  return (
    <span class="mlm-picker">
      <button
        ref={button}
        type="button"
        class="mlm-button mlm-add"
        data-mlm="add-interaction"
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        aria-disabled={problem ? true : undefined}
        onClick={() => !problem && setOpen(!isOpen)}
      >
        <Icon name="plus" />
        <span>Add interaction</span>
      </button>
      {problem && <span class="mlm-why">{problem}</span>}
      {isOpen && (
        <Popover anchor={button} label="Add interaction" name="add-interaction-list" onClose={close}>
          <Chooser
            predictors={predictors}
            onClose={close}
            onAdd={(ids) => {
              close(true);
              ask({ type: "add_interaction", ids });
            }}
          />
        </Popover>
      )}
    </span>
  );
}

export function InteractionsRow({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const { interactions, predictors } = traits.setup;
  return (
    <SetupRow label="Interactions" name="interactions">
      {interactions.map(({ id, label, level }) => (
        <Chip
          key={id}
          name={`interaction-${id}`}
          label={label}
          level={level}
          onRemove={() => ask({ type: "remove_interaction", id })}
        />
      ))}
      <AddInteraction predictors={predictors} />
    </SetupRow>
  );
}
