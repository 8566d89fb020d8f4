/** One chart, two schemes: Python draws with the light colours of theme.json, each is swapped for its dark twin. */
import theme from "../../../mlm_widgets/plots/theme.json";
import type { Scheme } from "./scheme";

const LIGHT: Record<string, string> = theme.light;
const DARK: Record<string, string> = theme.dark;
const UNTOUCHED = new Set(["data", "datasets"]);

function swapsFor(scheme: Scheme, background: string): Map<string, string> {
  const target = scheme === "dark" ? DARK : LIGHT;
  const pairs = Object.entries(LIGHT).map(([token, hex]) => [hex, target[token] ?? hex] as const);
  return new Map([...pairs, [LIGHT.background ?? "#ffffff", background]]);
}

function swapped(value: unknown, swaps: Map<string, string>): unknown {
  if (typeof value === "string") return swaps.get(value.toLowerCase()) ?? value;
  if (Array.isArray(value)) return value.map((item) => swapped(item, swaps));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, UNTOUCHED.has(key) ? item : swapped(item, swaps)]),
  );
}

/**
 * The specification with each theme colour replaced by that of `scheme`, data left alone.
 * The background token (halos) becomes `background`, the colour the host really shows.
 */
export function retheme<T>(spec: T, scheme: Scheme, background: string): T {
  return swapped(spec, swapsFor(scheme, background)) as T;
}
