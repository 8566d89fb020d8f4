/** The Predictions tab: what the model expects, along one predictor, by others. */
import type { Option } from "../controls/options";
import { Select } from "../controls/select";
import { Switch } from "../controls/switch";
import type { GridValuesPayload, Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chart } from "./chart";
import { GridValues } from "./gridValues";

const NONE = "";
const START: GridValuesPayload = { mode: "sd", text: "" };

export function Predictions({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const view = traits.views.predictions;
  const without = (...taken: (string | null)[]): Option[] => view.choices.filter(({ id }) => !taken.includes(id));
  const optional = (...taken: (string | null)[]): Option[] => [{ id: NONE, label: "none" }, ...without(...taken)];
  const numbers = [view.lines, view.panels].flatMap((id) =>
    view.choices.filter((choice) => choice.id === id && choice.kind === "number"),
  );
  if (view.choices.length === 0)
    return <Chart name="chart-predictions" label="Predictions" chart={traits.chart_predictions} />;
  return (
    <>
      <div class="mlm-controls">
        <Select
          name="along"
          label="Along"
          value={view.along}
          options={without()}
          onPick={(along) => ask({ type: "view_predictions", along })}
        />
        <Select
          name="lines"
          label="Lines"
          value={view.lines}
          options={optional(view.along)}
          onPick={(lines) => ask({ type: "view_predictions", lines: lines || null })}
        />
        <Select
          name="panels"
          label="Panels"
          value={view.panels}
          options={optional(view.along, view.lines)}
          onPick={(panels) => ask({ type: "view_predictions", panels: panels || null })}
        />
        <span class="mlm-controls-end">
          {view.average !== null && (
            <Switch
              name="average"
              label="Averaged over groups"
              on={view.average}
              onChange={(average) => ask({ type: "view_predictions", average })}
            />
          )}
          <Switch
            name="bands"
            label={`Bands ${Math.round(view.level * 100)}\u202f%`}
            on={view.bands}
            onChange={(bands) => ask({ type: "view_predictions", bands })}
          />
          <Switch name="raw" label="Data" on={view.raw} onChange={(raw) => ask({ type: "view_predictions", raw })} />
        </span>
      </div>
      {numbers.length > 0 && (
        <div class="mlm-values">
          {numbers.map(({ id, label }) => (
            <GridValues
              key={id}
              name={id}
              label={label}
              values={view.values[id] ?? START}
              onChange={(values) => ask({ type: "view_predictions", values: { [id]: values } })}
            />
          ))}
        </div>
      )}
      <Chart name="chart-predictions" label="Predictions" chart={traits.chart_predictions} />
    </>
  );
}
