/** How the outcome is distributed: family and link; which value is a success, how many trials, how long it was watched. */
import { Icon } from "../controls/icon";
import type { Option } from "../controls/options";
import { Picker } from "../controls/picker";
import { Segmented } from "../controls/segmented";
import type { ChoicePayload, FamilyChoicePayload, SetupPayload, Traits } from "../model/payload";
import { useSession } from "../model/session";

const CRITERIA = [
  { value: "reml", label: "REML" },
  { value: "ml", label: "ML" },
] as const;

const NONE = "";

function Detail({ text }: { text: string }) {
  return <span class="mlm-option-detail">{text}</span>;
}

function familyOption({ value, label, detail, reason }: FamilyChoicePayload): Option {
  return { id: value, label, problem: reason, keywords: detail, cells: reason ? undefined : <Detail text={detail} /> };
}

interface ChoiceProps {
  name: string;
  label: string;
  value: string | null;
  choices: readonly ChoicePayload[];
  /** What stands there while nothing is chosen; it is an option itself where `isOptional`. */
  none: string;
  why: string;
  isOptional?: boolean;
  onPick(value: string): void;
}

/** "Success [Y v]": a word and a list of values. */
function Choice({ name, label, value, choices, none, why, isOptional = false, onPick }: ChoiceProps) {
  const options: Option[] = choices.map((choice) => ({ id: choice.value, label: choice.label }));
  const chosen = choices.find((choice) => choice.value === value)?.label;
  return (
    <span class="mlm-pair" title={why}>
      <span class="mlm-row-label" aria-hidden="true">
        {label}
      </span>
      <Picker
        name={name}
        label={`${label}: ${chosen ?? none}`}
        options={isOptional ? [{ id: NONE, label: none }, ...options] : options}
        chosen={value ?? (isOptional ? NONE : null)}
        search={choices.length > 8 ? "Find a column" : null}
        empty="No column can be that."
        onPick={(id) => id !== (value ?? NONE) && onPick(id)}
      >
        <span class={chosen || isOptional ? "mlm-select-value" : "mlm-unset"}>{chosen ?? none}</span>
        <Icon name="chevron" />
      </Picker>
    </span>
  );
}

/** What belongs to a binomial outcome. */
export function OutcomeDetails({ setup }: { setup: SetupPayload }) {
  const { ask } = useSession();
  const { success, trials } = setup;
  return (
    <>
      {success && (
        <Choice
          name="success"
          label="Success"
          value={success.value}
          choices={success.choices}
          none="Choose"
          why="The model is of the probability of this value"
          onPick={(level) => ask({ type: "set_success", level })}
        />
      )}
      {trials && (
        <Choice
          name="trials"
          label="Trials"
          value={trials.value}
          choices={trials.choices}
          none="Choose trials"
          why="The column that counts how many could have succeeded"
          onPick={(column) => ask({ type: "set_trials", column })}
        />
      )}
    </>
  );
}

export function Method({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const { family, families, link, links, exposure, is_linear, reml } = traits.setup;
  const words = families.find(({ value }) => value === family)?.label ?? family;
  return (
    <span class="mlm-method">
      <span class="mlm-pair">
        <span class="mlm-row-label" aria-hidden="true">
          Family
        </span>
        <Picker
          name="family"
          label={`Family: ${words}`}
          options={families.map(familyOption)}
          chosen={family}
          roomy
          onPick={(id) => id !== family && ask({ type: "set_family", family: id })}
        >
          <span class="mlm-select-value">{words}</span>
          <Icon name="chevron" />
        </Picker>
      </span>
      <span class="mlm-pair">
        <span class="mlm-row-label" aria-hidden="true">
          Link
        </span>
        <Picker
          name="link"
          label={`Link: ${link}`}
          options={links.map(({ value, label, detail }) => ({ id: value, label, cells: <Detail text={detail} /> }))}
          chosen={link}
          onPick={(id) => id !== link && ask({ type: "set_link", link: id })}
        >
          <span class="mlm-select-value">{link}</span>
          <Icon name="chevron" />
        </Picker>
      </span>
      {exposure && (
        <Choice
          name="exposure"
          label="Exposure"
          value={exposure.value}
          choices={exposure.choices}
          none="none"
          why="How long or how much was watched: its logarithm is the offset"
          isOptional
          onPick={(column) => ask({ type: "set_exposure", column: column === NONE ? null : column })}
        />
      )}
      {is_linear && (
        <Segmented
          name="criterion"
          label="Criterion"
          value={reml ? "reml" : "ml"}
          choices={CRITERIA}
          onChange={(value) => ask({ type: "set_reml", on: value === "reml" })}
        />
      )}
    </span>
  );
}
