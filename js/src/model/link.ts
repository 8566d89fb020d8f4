/** Request and reply over a widget's custom messages, and whether anyone answers. */
import type { Action, Reply } from "./action";

export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback?: (...args: never[]) => void): void;
}

/** idle: nothing asked; waiting: asked, in time; silent: no answer for longer than the patience. */
export type LinkState = "idle" | "waiting" | "silent";

export interface Link {
  request(action: Action): Promise<Reply>;
  onState(listener: (state: LinkState) => void): void;
  close(): void;
}

interface ReplyMessage {
  kind: "reply";
  id: number;
  ok: boolean;
  error?: { message: string; hint: string | null };
}

// A kernel answers in milliseconds when it is there and free; four seconds is a person's patience.
const PATIENCE_MS = 4000;

const GONE: Reply = {
  ok: false,
  error: { message: "Python is not connected any more.", hint: "Run the cell again to change the model." },
};

function isReply(message: unknown): message is ReplyMessage {
  return typeof message === "object" && message !== null && (message as ReplyMessage).kind === "reply";
}

function toReply(message: ReplyMessage): Reply {
  if (message.ok) return { ok: true };
  return { ok: false, error: message.error ?? { message: "Python could not do this.", hint: null } };
}

/**
 * Opens the link. A request stays open until Python answers, however late: a busy kernel is not an error.
 * `isBusy` says that Python is known to be working, when silence means nothing.
 */
export function openLink(model: Model, isBusy: () => boolean = () => false): Link {
  // Several views may share a model and hear each other's replies: start at a random number.
  let lastId = Math.floor(Math.random() * 2 ** 40);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let listener: (state: LinkState) => void = () => {};
  const open = new Map<number, (reply: Reply) => void>();

  const watch = () => {
    clearTimeout(timer);
    listener(open.size > 0 ? "waiting" : "idle");
    if (open.size > 0) timer = setTimeout(() => (isBusy() ? watch() : listener("silent")), PATIENCE_MS);
  };
  const hear = (message: unknown) => {
    const settle = isReply(message) ? open.get(message.id) : undefined;
    if (!settle) return;
    open.delete((message as ReplyMessage).id);
    watch();
    settle(toReply(message as ReplyMessage));
  };
  model.on("msg:custom", hear);

  return {
    request(action) {
      const id = ++lastId;
      try {
        model.send({ kind: "action", id, action });
      } catch {
        return Promise.resolve(GONE); // the kernel was restarted: its end of the line is closed
      }
      const reply = new Promise<Reply>((resolve) => open.set(id, resolve));
      watch();
      return reply;
    },
    onState(next) {
      listener = next;
    },
    close() {
      clearTimeout(timer);
      model.off("msg:custom", hear);
      listener = () => {};
      for (const settle of open.values())
        settle({ ok: false, error: { message: "This view was closed.", hint: null } });
      open.clear();
    },
  };
}
