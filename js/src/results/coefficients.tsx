/** The Coefficients tab. */
import { Switch } from "../controls/switch";
import type { Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chart } from "./chart";
import { RatiosSwitch } from "./ratiosSwitch";

export function Coefficients({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  return (
    <>
      <div class="mlm-controls">
        <RatiosSwitch
          view={traits.views.coefficients}
          onChange={(ratios) => ask({ type: "view_coefficients", ratios })}
        />
        <Switch
          name="show-intercept"
          label="Intercept"
          on={traits.views.coefficients.intercept}
          onChange={(intercept) => ask({ type: "view_coefficients", intercept })}
        />
      </div>
      <Chart name="chart-coefficients" label="Coefficients with their intervals" chart={traits.chart_coefficients} />
    </>
  );
}
