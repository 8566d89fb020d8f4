/** One chart in a notebook cell, drawn by the shared runtime: no network, and in the host's light or dark. */
import type { ChartSpec, Drawing } from "./core/draw";
import { type Host, openRuntime } from "./core/reach";
import { paletteOf, watchHost } from "./style/hostScheme";

interface Model {
  get(name: string): unknown;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
}

interface RenderContext {
  model: Model;
  el: HTMLElement;
  host?: Host;
}

export default {
  render({ model, el, host }: RenderContext) {
    const controller = new AbortController();
    const root = document.createElement("div");
    root.dataset.mlm = "chart";
    root.dataset.drawn = "0";
    root.setAttribute("role", "img");
    root.setAttribute("aria-label", String(model.get("label") ?? "Chart"));
    el.append(root);
    const runtime = openRuntime(host, model);
    let shown: { drawing: Drawing; box: HTMLElement } | null = null;
    let turn = 0;
    let look = "";

    const clear = () => {
      shown?.drawing.finalize();
      shown?.box.remove();
      shown = null;
    };
    const draw = async () => {
      const mine = ++turn;
      const palette = paletteOf(root);
      look = JSON.stringify(palette);
      const box = document.createElement("div");
      const drawing = await (await runtime).draw(box, model.get("spec") as ChartSpec, {
        scheme: palette.scheme,
        background: palette.colors.bg,
      });
      if (mine !== turn || controller.signal.aborted) return drawing.finalize();
      clear();
      root.replaceChildren(box);
      shown = { drawing, box };
      root.dataset.drawn = String(Number(root.dataset.drawn) + 1);
    };
    const update = () => {
      draw().catch((error: unknown) => {
        root.textContent = `The chart could not be drawn: ${error instanceof Error ? error.message : String(error)}`;
      });
    };
    update();
    model.on("change:spec", update);
    watchHost(() => JSON.stringify(paletteOf(root)) !== look && update(), controller.signal);
    return () => {
      controller.abort();
      model.off("change:spec", update);
      clear();
      root.remove();
    };
  },
};
