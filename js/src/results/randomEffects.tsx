/** The Random effects tab: every group's effects with their intervals. */
import { Select } from "../controls/select";
import type { Traits } from "../model/payload";
import { useSession } from "../model/session";
import { Chart } from "./chart";
import { RatiosSwitch } from "./ratiosSwitch";

export function RandomEffects({ traits }: { traits: Traits }) {
  const { ask } = useSession();
  const view = traits.views.caterpillar;
  return (
    <>
      <div class="mlm-controls" hidden={view.groups.length < 2 && view.terms.length < 2 && view.ratio_names === null}>
        {view.groups.length > 1 && (
          <Select
            name="caterpillar-group"
            label="Groups"
            value={view.group}
            options={view.groups}
            onPick={(group) => ask({ type: "view_caterpillar", group })}
          />
        )}
        {view.terms.length > 1 && (
          <Select
            name="caterpillar-sort"
            label="Sort"
            value={view.sort}
            options={view.terms}
            onPick={(sort) => ask({ type: "view_caterpillar", sort })}
          />
        )}
        <RatiosSwitch
          name="caterpillar-ratios"
          view={view}
          onChange={(ratios) => ask({ type: "view_caterpillar", ratios })}
        />
      </div>
      <Chart name="chart-caterpillar" label="Random effects of each group" chart={traits.chart_caterpillar} />
    </>
  );
}
