/** The harness page: ?scene=full&width=980&theme=light|dark&host=lab|none&python=on|off */
import builder from "../src/builder";
import core from "../src/core";
import type { Action } from "../src/model/action";
import type { Model } from "../src/model/link";
import { answer, type Box } from "./fakePython";
import { SCENES } from "./scenes";

type Callback = (...args: unknown[]) => void;

export function createModel(isAnswering: boolean): Model & Box {
  const state = new Map<string, unknown>([["_runtime", "anywidget:dev"]]);
  const listeners = new Map<string, Set<Callback>>();
  const emit = (event: string, ...args: unknown[]) => {
    for (const callback of listeners.get(event) ?? []) callback(...args);
  };
  const model = {
    get: (name: string) => state.get(name),
    set(name: string, value: unknown) {
      state.set(name, value);
      emit(`change:${name}`);
    },
    send(content: unknown) {
      const { id, action } = content as { id: number; action: Action };
      console.debug("action", JSON.stringify(action));
      if (!isAnswering) return;
      setTimeout(() => emit("msg:custom", { kind: "reply", id, ...answer(model, action) }), 30);
    },
    on(event: string, callback: (...args: never[]) => void) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(callback as Callback));
    },
    off(event: string, callback?: (...args: never[]) => void) {
      if (callback) listeners.get(event)?.delete(callback as Callback);
    },
  };
  return model;
}

const query = new URLSearchParams(location.search);
const theme = query.get("theme") ?? "light";
if (query.get("host") === "lab") document.body.dataset.jpThemeLight = String(theme === "light");
document.documentElement.dataset.theme = theme;
const el = document.getElementById("widget") as HTMLElement;
el.style.width = `${query.get("width") ?? 980}px`;
const model = createModel(query.get("python") !== "off");
SCENES[query.get("scene") ?? "full"]?.(model);
const runtime = core.initialize();
builder.render({ model, el, host: { getWidget: async () => ({ exports: runtime }) } });
Object.assign(window, { model });
