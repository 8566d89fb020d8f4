/** Effects as ratios, "Odds ratios", or on the scale on which they add up; only where the link gives ratios. */
import { Switch } from "../controls/switch";

interface RatiosSwitchProps {
  view: { ratios: boolean; ratio_names: string | null };
  name?: string;
  onChange(ratios: boolean): void;
}

export function RatiosSwitch({ view, name = "ratios", onChange }: RatiosSwitchProps) {
  if (view.ratio_names === null) return null;
  return <Switch name={name} label={view.ratio_names} on={view.ratios} onChange={onChange} />;
}
