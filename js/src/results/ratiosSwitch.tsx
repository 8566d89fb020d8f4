/** Effects as ratios, "Odds ratios", or on the scale on which they add up; only where the link gives ratios. */
import { Switch } from "../controls/switch";
import type { CoefficientsViewPayload } from "../model/payload";
import { useSession } from "../model/session";

export function RatiosSwitch({ view }: { view: CoefficientsViewPayload }) {
  const { ask } = useSession();
  if (view.ratio_names === null) return null;
  return (
    <Switch
      name="ratios"
      label={view.ratio_names}
      on={view.ratios}
      onChange={(ratios) => ask({ type: "view_coefficients", ratios })}
    />
  );
}
