import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LinkState, type Model, openLink } from "../src/model/link";

type Sent = { kind: string; id: number; action: unknown };

function fakeModel() {
  const hearers = new Set<(message: unknown) => void>();
  const sent: Sent[] = [];
  const model: Model = {
    get: () => undefined,
    send: (content) => sent.push(content as Sent),
    on: (_, callback) => hearers.add(callback as (message: unknown) => void),
    off: (_, callback) => hearers.delete(callback as (message: unknown) => void),
  };
  const say = (message: unknown) => {
    for (const hear of hearers) hear(message);
  };
  return { model, sent, say, hearers };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a request is sent with an id and settled by the reply of that id", async () => {
  const { model, sent, say } = fakeModel();
  const link = openLink(model);
  const first = link.request({ type: "undo" });
  const second = link.request({ type: "fit" });
  expect(sent.map(({ kind, action }) => [kind, action])).toEqual([
    ["action", { type: "undo" }],
    ["action", { type: "fit" }],
  ]);
  expect(sent[0]?.id).not.toBe(sent[1]?.id);
  say({ kind: "reply", id: sent[1]?.id, ok: true });
  say({ kind: "reply", id: sent[0]?.id, ok: false, error: { message: "Nothing to undo", hint: null } });
  expect(await second).toEqual({ ok: true });
  expect(await first).toEqual({ ok: false, error: { message: "Nothing to undo", hint: null } });
});

test("other messages and replies to other views are not heard", async () => {
  const { model, sent, say } = fakeModel();
  const link = openLink(model);
  const reply = link.request({ type: "fit" });
  for (const message of [null, "text", { kind: "other" }, { kind: "reply", id: -1, ok: true }]) say(message);
  say({ kind: "reply", id: sent[0]?.id, ok: false });
  expect(await reply).toEqual({ ok: false, error: { message: "Python could not do this.", hint: null } });
});

test("without an answer the link is silent after four seconds, and recovers when one comes", async () => {
  const { model, sent, say } = fakeModel();
  const states: LinkState[] = [];
  const link = openLink(model);
  link.onState((state) => states.push(state));
  const reply = link.request({ type: "fit" });
  vi.advanceTimersByTime(3999);
  expect(states).toEqual(["waiting"]);
  vi.advanceTimersByTime(1);
  expect(states.at(-1)).toBe("silent");
  say({ kind: "reply", id: sent[0]?.id, ok: true });
  expect(states.at(-1)).toBe("idle");
  expect(await reply).toEqual({ ok: true });
});

test("a Python that is known to work is not called silent", () => {
  const { model } = fakeModel();
  const states: LinkState[] = [];
  let isBusy = true;
  const link = openLink(model, () => isBusy);
  link.onState((state) => states.push(state));
  void link.request({ type: "fit" });
  vi.advanceTimersByTime(9000);
  expect(states).not.toContain("silent");
  isBusy = false;
  vi.advanceTimersByTime(4000);
  expect(states.at(-1)).toBe("silent");
});

test("closing settles what is open and leaves no listener", async () => {
  const { model, hearers } = fakeModel();
  const link = openLink(model);
  const reply = link.request({ type: "fit" });
  link.close();
  expect((await reply).ok).toBe(false);
  expect(hearers.size).toBe(0);
});

test("where the line is closed a request is refused at once, in words", async () => {
  const { model } = fakeModel();
  model.send = () => {
    throw new Error("Cannot send");
  };
  const reply = await openLink(model).request({ type: "fit" });
  expect(reply).toMatchObject({ ok: false, error: { message: "Python is not connected any more." } });
});
