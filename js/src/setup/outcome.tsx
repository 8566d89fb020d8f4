/** First row: what is modelled, by what it is grouped, and how. */
import { Icon } from "../controls/icon";
import { Picker } from "../controls/picker";
import type { Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chip } from "./chip";
import { ColumnHead, columnOptions } from "./columnOptions";
import { Method, OutcomeDetails } from "./family";

function Outcome({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const { outcome } = traits.setup;
  return (
    <Picker
      name="outcome"
      label={outcome ? `Outcome: ${outcome}` : "Choose an outcome"}
      options={columnOptions(traits, "outcome")}
      chosen={outcome}
      search="Find a column"
      head={<ColumnHead />}
      wide
      onPick={(column) => ask({ type: "set_outcome", column })}
    >
      <span class={outcome ? "mlm-select-value" : "mlm-unset"}>{outcome ?? "Choose an outcome"}</span>
      <Icon name="chevron" />
    </Picker>
  );
}

function Groups({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const { groups, group_choices } = traits.setup;
  const offered = new Set(group_choices.map(({ id }) => id));
  const unusable = columnOptions(traits, "group", []).filter(
    (option) => !offered.has(option.id) && !groups.some((group) => group.id === option.id),
  );
  const options = [
    ...group_choices.map(({ id, label, detail }) => ({
      id,
      label,
      cells: <span class="mlm-option-detail">{detail}</span>,
    })),
    ...unusable.map(({ id, label, problem }) => ({ id, label, problem })),
  ];
  return (
    <>
      {groups.map((group) => (
        <Chip
          key={group.id}
          name={`group-${group.id}`}
          label={group.label}
          note={/^[\d,]+/.exec(group.detail)?.[0]}
          title={group.detail}
          onRemove={() => ask({ type: "remove_group", id: group.id })}
        />
      ))}
      <Picker
        name="add-group"
        label={groups.length > 0 ? "Add a grouping" : "Choose groups"}
        look={groups.length > 0 ? "square" : "add"}
        describe="Add a grouping"
        options={options}
        chosen={null}
        search="Find a grouping"
        empty="No column is left that can group the rows."
        onPick={(id) => ask({ type: "add_group", id })}
      >
        <Icon name="plus" />
        {groups.length === 0 && <span>Choose groups</span>}
      </Picker>
    </>
  );
}

export function OutcomeRow({ traits }: { traits: Traits }) {
  const { setup } = traits;
  return (
    <div class="mlm-row mlm-row-first" role="group" aria-label="Outcome, groups and method" data-row="outcome">
      <span class="mlm-row-label" aria-hidden="true">
        Outcome
      </span>
      <div class="mlm-row-body">
        <Outcome traits={traits} />
        <OutcomeDetails setup={setup} />
        <span class="mlm-pair" data-row="groups">
          <span class="mlm-row-label" aria-hidden="true">
            Groups
          </span>
          <Groups traits={traits} />
        </span>
        <Method traits={traits} />
        {setup.note && (
          <p class="mlm-row-note" role="status" data-mlm="family-note">
            <Icon name="info" size={14} />
            {setup.note}
          </p>
        )}
      </div>
    </div>
  );
}
