/** The synced traits as one value that redraws the view when any of them changes. */
import { useLayoutEffect, useReducer } from "preact/hooks";
import type { Model } from "./link";
import type { Traits } from "./payload";

const NAMES = [
  "data",
  "setup",
  "fit",
  "views",
  "chart_coefficients",
  "chart_caterpillar",
  "chart_predictions",
] as const;

export function readTraits(model: Model): Traits | null {
  const traits = Object.fromEntries(NAMES.map((name) => [name, model.get(name) ?? null])) as unknown as Traits;
  return traits.data && traits.setup && traits.fit && traits.views ? traits : null;
}

export function useTraits(model: Model): Traits | null {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useLayoutEffect(() => {
    const onChange = () => redraw(undefined);
    for (const name of NAMES) model.on(`change:${name}`, onChange);
    return () => {
      for (const name of NAMES) model.off(`change:${name}`, onChange);
    };
  }, [model]);
  return readTraits(model);
}
