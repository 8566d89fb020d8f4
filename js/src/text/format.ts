/** Numbers as the tables show them: true minus, grouped thousands, as many decimals as the precision carries. */

export const MINUS = "\u2212";

export function fixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return "\u2013";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${MINUS}\u221e`;
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const isZero = !/[1-9]/.test(text);
  return value < 0 && !isZero ? MINUS + text : text;
}

/** Decimals that show two figures of the standard error, at least two while it is below a hundred. */
export function decimalsFor(precision: number): number {
  const size = Math.abs(precision);
  if (!(size > 0) || !Number.isFinite(size)) return 2;
  if (size >= 1000) return 0;
  if (size >= 100) return 1;
  return Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(size))));
}

export function formatP(p: number): string {
  if (Number.isNaN(p)) return "\u2013";
  if (p < 0.001) return "< .001";
  if (p > 0.999) return "> .999";
  return p.toFixed(3).replace(/^0/, "");
}

export function formatDf(df: number | null): string {
  if (df === null) return "\u221e";
  return fixed(df, df < 10 && !Number.isInteger(df) ? 1 : 0);
}

export function formatStatistic(value: number): string {
  return fixed(value, 1);
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A number of unknown scale, short: 0.0123, 4.2, 1,280. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(1).replace("-", MINUS).replace("e+", "e");
  const digits = size === 0 || size >= 100 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
  return fixed(Number(value.toFixed(Math.min(digits, 6))), 0 + Math.min(6, trimmed(value, digits)));
}

function trimmed(value: number, digits: number): number {
  const text = value.toFixed(Math.min(digits, 6));
  return text.includes(".") ? (text.replace(/0+$/, "").split(".")[1]?.length ?? 0) : 0;
}
