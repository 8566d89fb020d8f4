/** Drawing a Vega-Lite specification into an element. Never touches the network. */
import embed, { type VisualizationSpec } from "vega-embed";
import { retheme } from "./retheme";
import type { Scheme } from "./scheme";
import { createTooltip } from "./tooltip";

export type ChartSpec = Record<string, unknown>;

export interface DrawOptions {
  scheme: Scheme;
  /** The colour behind the chart, for halos. */
  background: string;
}

export interface Drawing {
  finalize(): void;
}

export interface Runtime {
  draw(el: HTMLElement, spec: ChartSpec, options: DrawOptions): Promise<Drawing>;
}

// Above this many rows an SVG's nodes cost more than they bring (crisp text, accessibility).
const MAX_SVG_ROWS = 6000;

const offlineLoader = {
  load: () => Promise.reject(new Error("This chart asks for data from outside the notebook; that is never loaded.")),
  sanitize: () => Promise.reject(new Error("Links and pictures in charts are not opened.")),
  http: () => Promise.reject(new Error("No network")),
  file: () => Promise.reject(new Error("No files")),
};

function rowsOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + rowsOf(item), 0);
  if (value === null || typeof value !== "object") return 0;
  return Object.entries(value).reduce((sum, [key, item]) => {
    if (key === "values" && Array.isArray(item)) return sum + item.length;
    if (key === "datasets")
      return sum + Object.values(item ?? {}).reduce<number>((n, rows) => n + (rows as unknown[]).length, 0);
    return sum + rowsOf(item);
  }, 0);
}

function transparent(spec: ChartSpec): ChartSpec {
  const config = (spec.config ?? {}) as Record<string, unknown>;
  return { ...spec, background: "transparent", config: { ...config, background: "transparent" } };
}

export async function draw(el: HTMLElement, spec: ChartSpec, options: DrawOptions): Promise<Drawing> {
  const tooltip = createTooltip(el, options.scheme, options.background);
  const themed = transparent(retheme(spec, options.scheme, options.background));
  const canvas = document.createElement("div");
  // Who calls names the chart in words; hundreds of unnamed marks would only be noise to a screen reader.
  canvas.setAttribute("aria-hidden", "true");
  el.append(canvas);
  const result = await embed(canvas, themed as VisualizationSpec, {
    actions: false,
    defaultStyle: false,
    mode: "vega-lite",
    renderer: rowsOf(spec) > MAX_SVG_ROWS ? "canvas" : "svg",
    loader: offlineLoader as never,
    tooltip: tooltip.handler as never,
  });
  return {
    finalize() {
      result.finalize();
      tooltip.remove();
      canvas.remove();
    },
  };
}
