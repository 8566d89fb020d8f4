/** The model builder's widget: a form, a formula and results over the synced traits. All statistics are Python's. */
import { render } from "preact";
import { Builder } from "./builder/builder";
import { type Host, openRuntime } from "./core/reach";
import type { Model } from "./model/link";
import { applyPalette, paletteOf, watchHost } from "./style/hostScheme";

interface RenderContext {
  model: Model;
  el: HTMLElement;
  host?: Host;
}

// Keys typed here must not reach the notebook, whose shortcuts would insert or delete cells. Lumino listens in the
// capture phase, before any handler of ours, and is told by the attribute instead.
function keepKeys(root: HTMLElement, signal: AbortSignal): void {
  root.dataset.lmSuppressShortcuts = "true";
  for (const type of ["keydown", "keyup", "keypress"]) {
    root.addEventListener(type, (event) => event.stopPropagation(), { signal });
  }
}

export default {
  render({ model, el, host }: RenderContext) {
    const controller = new AbortController();
    const root = document.createElement("div");
    root.className = "mlm-builder";
    root.dataset.mlm = "builder";
    el.append(root);
    keepKeys(root, controller.signal);
    const runtime = openRuntime(host, model);
    runtime.catch(() => {}); // shown where a chart is asked for
    let palette = paletteOf(root);
    const draw = () => {
      const now = paletteOf(root);
      // The same object while nothing changed: hosts touch their classes often, and a new palette redraws the charts.
      if (JSON.stringify(now) !== JSON.stringify(palette)) palette = now;
      applyPalette(root, palette);
      render(<Builder model={model} root={root} runtime={runtime} palette={palette} />, root);
    };
    draw();
    watchHost(draw, controller.signal);
    return () => {
      controller.abort();
      render(null, root);
      root.remove();
    };
  },
};
