/** A widget model that lives in the page, with the fake Python behind it. */
import type { Action, ActionError } from "../src/model/action";
import type { Model } from "../src/model/link";
import { answer, type Box } from "./fakePython";

type Callback = (...args: unknown[]) => void;

export interface FakeModel extends Model, Box {
  /** Every action that was asked for. */
  asked: Action[];
  /** What Python answers instead of doing anything. */
  refusal: ActionError | null;
  /** How many listeners are on the model now. */
  listenerCount(): number;
}

export function createModel(isAnswering: boolean, delayMs = 30): FakeModel {
  const state = new Map<string, unknown>([["_runtime", "anywidget:dev"]]);
  const listeners = new Map<string, Set<Callback>>();
  const emit = (event: string, ...args: unknown[]) => {
    for (const callback of listeners.get(event) ?? []) callback(...args);
  };
  const model: FakeModel = {
    asked: [],
    refusal: null,
    listenerCount: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
    get: (name: string) => state.get(name),
    set(name: string, value: unknown) {
      state.set(name, value);
      emit(`change:${name}`);
    },
    send(content: unknown) {
      const { id, action } = content as { id: number; action: Action };
      model.asked.push(action);
      if (!isAnswering) return;
      const reply = () => (model.refusal ? { ok: false, error: model.refusal } : answer(model, action));
      setTimeout(() => emit("msg:custom", { kind: "reply", id, ...reply() }), delayMs);
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
