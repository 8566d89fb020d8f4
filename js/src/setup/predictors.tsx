/** The fixed effects that are columns: a chip each, with centring or reference level as its option. */
import { Icon } from "../controls/icon";
import { Picker } from "../controls/picker";
import type { PredictorPayload, Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chip } from "./chip";
import { ColumnHead, columnOptions } from "./columnOptions";
import { SetupRow } from "./row";

const WHAT = { centring: "Centring", reference: "Reference level" };

function OptionHalf({ predictor }: { predictor: PredictorPayload }) {
  const { ask } = useSession();
  const { option, id, label, detail } = predictor;
  if (!option) return detail ? <span class="mlm-chip-detail">{detail}</span> : null;
  const chosen = option.choices.find((choice) => choice.value === option.value);
  const words = chosen?.label ?? option.value;
  const sign = option.kind === "reference" ? "ref " : "";
  return (
    <Picker
      name={`option-${id}`}
      label={`${WHAT[option.kind]} of ${label}: ${sign}${words}`}
      look="half"
      options={option.choices.map((choice) => ({ id: choice.value, label: choice.label }))}
      chosen={option.value}
      search={option.choices.length > 8 ? "Find a level" : null}
      onPick={(value) => value !== option.value && ask({ type: "set_option", id, value })}
    >
      {option.kind === "reference" && <span class="mlm-quiet">ref </span>}
      <span data-plain={chosen === option.choices[0] && option.kind === "centring" ? true : undefined}>{words}</span>
      <Icon name="chevron" size={14} />
    </Picker>
  );
}

export function PredictorsRow({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const { predictors, predictor_choices } = traits.setup;
  return (
    <SetupRow label="Predictors" name="predictors">
      {predictors.map((predictor) => (
        <Chip
          key={predictor.id}
          name={`predictor-${predictor.id}`}
          label={predictor.label}
          level={predictor.level}
          column={predictor.column}
          title={predictor.detail || undefined}
          onRemove={() => ask({ type: "remove_predictor", id: predictor.id })}
        >
          <OptionHalf predictor={predictor} />
        </Chip>
      ))}
      <Picker
        name="add-predictor"
        label="Add predictor"
        look="add"
        options={columnOptions(traits, "predictor", predictor_choices)}
        chosen={null}
        search="Find a column"
        head={<ColumnHead />}
        empty="Every column is in the model."
        wide
        onPick={(column) => ask({ type: "add_predictor", column })}
      >
        <Icon name="plus" />
        <span>Add predictor</span>
      </Picker>
    </SetupRow>
  );
}
