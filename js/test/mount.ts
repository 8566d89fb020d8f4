/** A builder in the test page. */
import { afterEach, vi } from "vitest";
import { createModel, type FakeModel } from "../dev/fakeModel";
import { SCENES } from "../dev/scenes";
import builder from "../src/builder";
import type { Runtime } from "../src/core/draw";

export interface Mounted {
  model: FakeModel;
  el: HTMLElement;
  runtime: Runtime & { draw: ReturnType<typeof vi.fn>; finalized: ReturnType<typeof vi.fn> };
  at(name: string): HTMLElement;
  find(name: string): HTMLElement | null;
  cleanup(): void;
}

const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
  document.body.replaceChildren();
});

export function mount(scene: string, { isAnswering = true, host = true } = {}): Mounted {
  const model = createModel(isAnswering, 0);
  SCENES[scene]?.(model);
  const el = document.createElement("div");
  document.body.append(el);
  const finalized = vi.fn();
  const draw = vi.fn(async (box: HTMLElement) => {
    box.append("drawn");
    return { finalize: finalized };
  });
  const runtime = { draw, finalized };
  const cleanup = builder.render({
    model,
    el,
    host: host ? { getWidget: async () => ({ exports: runtime }) } : undefined,
  });
  open.push(cleanup);
  const find = (name: string) =>
    [...el.querySelectorAll<HTMLElement>("[data-mlm]")].find((node) => node.dataset.mlm === name) ?? null;
  const at = (name: string) => {
    const node = find(name);
    if (!node) throw new Error(`nothing is called ${name}`);
    return node;
  };
  return { model, el, runtime, at, find, cleanup };
}

export function press(node: Element, key: string, init: KeyboardEventInit = {}): boolean {
  return node.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...init }),
  );
}

export function type(node: Element, text: string): void {
  const field = node as HTMLInputElement;
  field.value = text;
  field.setSelectionRange(text.length, text.length);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** Lets replies come, drawings happen and effects run: a few turns of the clock and of the screen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}
