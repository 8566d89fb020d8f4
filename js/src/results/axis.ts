/** One axis for all intervals of a table: round ticks, zero always on it. */

export interface Axis {
  low: number;
  high: number;
  ticks: number[];
  digits: number;
  /** Place along the axis in percent. */
  at(value: number): number;
}

function stepFor(span: number, count: number): number {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const steps = [1, 2, 5, 10].map((factor) => factor * power);
  return steps.reduce((best, step) => (Math.abs(Math.log(step / raw)) < Math.abs(Math.log(best / raw)) ? step : best));
}

/** Null when there is nothing finite to place. */
export function axisOf(intervals: { conf_low: number; conf_high: number }[], count = 4): Axis | null {
  const ends = intervals.flatMap(({ conf_low, conf_high }) => [conf_low, conf_high]).filter(Number.isFinite);
  if (ends.length === 0) return null;
  const least = Math.min(0, ...ends);
  const most = Math.max(0, ...ends);
  if (most === least) return null;
  const pad = (most - least) * 0.05;
  const [low, high] = [least === 0 ? -pad : least - pad, most + pad];
  const step = stepFor(high - low, count);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { low, high, ticks, digits, at: (value) => ((value - low) / (high - low)) * 100 };
}
