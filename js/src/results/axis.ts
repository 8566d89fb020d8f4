/** One axis for all intervals of a table: round ticks, the value of no effect always on it. */

import { fixed } from "../text/format";

export interface Axis {
  low: number;
  high: number;
  ticks: number[];
  /** The value of no effect: 0, or a ratio of 1. */
  reference: number;
  label(tick: number): string;
  /** Place along the axis in percent. */
  at(value: number): number;
}

interface Interval {
  conf_low: number;
  conf_high: number;
}

const MOST_RATIO = 1000; // beyond, an interval says that the data hold no bound
const PAD = 0.05; // twice that where the reference is at the end, so that its label has room
const RATIO_STEPS = [[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 9], [1, 1.5, 2, 3, 4, 5, 7.5], [1, 2, 5], [1, 3], [1]];

function stepFor(span: number, count: number): number {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const steps = [1, 2, 5, 10].map((factor) => factor * power);
  return steps.reduce((best, step) => (Math.abs(Math.log(step / raw)) < Math.abs(Math.log(best / raw)) ? step : best));
}

function roundTicks(low: number, high: number, count: number): { ticks: number[]; digits: number } {
  const step = stepFor(high - low, count);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, at) => (first + at) * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

const plainLabel = (digits: number) => (tick: number) => fixed(tick, digits);

/** Null when there is nothing finite to place. */
export function axisOf(intervals: Interval[], count = 4): Axis | null {
  const ends = intervals.flatMap(({ conf_low, conf_high }) => [conf_low, conf_high]).filter(Number.isFinite);
  if (ends.length === 0) return null;
  const least = Math.min(0, ...ends);
  const most = Math.max(0, ...ends);
  if (most === least) return null;
  const pad = (most - least) * PAD;
  const [low, high] = [least - (least === 0 ? 2 * pad : pad), most + (most === 0 ? 2 * pad : pad)];
  const { ticks, digits } = roundTicks(low, high, count);
  const at = (value: number) => ((value - low) / (high - low)) * 100;
  return { low, high, ticks, reference: 0, label: plainLabel(digits), at };
}

function ratioTicks(low: number, high: number, count: number): { ticks: number[]; label(tick: number): string } {
  if (high / low < 1.8) {
    const { ticks, digits } = roundTicks(low, high, count);
    return { ticks, label: plainLabel(digits) };
  }
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const powers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const offered = RATIO_STEPS.map((steps) =>
    powers
      .flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
      .filter((tick) => low <= tick && tick <= high),
  );
  const far = (ticks: number[]) => Math.abs(ticks.length - count);
  return { ticks: offered.reduce((best, ticks) => (far(ticks) < far(best) ? ticks : best)), label: String };
}

/** A logarithmic axis of ratios: 2 and 1/2 are equally far from 1. */
export function ratioAxisOf(intervals: Interval[], count = 5): Axis | null {
  const inside = (value: number) => Math.min(MOST_RATIO, Math.max(1 / MOST_RATIO, value));
  const ends = intervals.flatMap(({ conf_low, conf_high }) => [inside(conf_low), inside(conf_high)]);
  if (ends.length === 0 || ends.some(Number.isNaN)) return null;
  const least = Math.min(1, ...ends);
  const most = Math.max(1, ...ends);
  if (most === least) return null;
  const pad = (most / least) ** PAD;
  const [low, high] = [least / (least === 1 ? pad ** 2 : pad), most * (most === 1 ? pad ** 2 : pad)];
  const at = (value: number) => (Math.log(value / low) / Math.log(high / low)) * 100;
  return { low, high, ...ratioTicks(low, high, count), reference: 1, at };
}
