/** The bubble at the pointer. Vega hands over a value; it becomes text nodes only. */
import type { Scheme } from "./scheme";

export type TooltipHandler = (handler: unknown, event: MouseEvent, item: unknown, value: unknown) => void;

function row(name: string, value: unknown): HTMLElement {
  const line = document.createElement("div");
  const label = document.createElement("span");
  const text = document.createElement("b");
  label.textContent = name;
  text.textContent = String(value);
  line.append(label, text);
  return line;
}

function rows(value: unknown): HTMLElement[] {
  if (typeof value !== "object" || value === null) return [row("", value)];
  return Object.entries(value).map(([name, item]) => row(name, item));
}

function place(bubble: HTMLElement, event: MouseEvent): void {
  const { width, height } = bubble.getBoundingClientRect();
  const left = event.clientX + 14 + width > innerWidth ? event.clientX - 14 - width : event.clientX + 14;
  const top = event.clientY + 14 + height > innerHeight ? event.clientY - 14 - height : event.clientY + 14;
  bubble.style.left = `${Math.max(4, left)}px`;
  bubble.style.top = `${Math.max(4, top)}px`;
}

/** A Vega tooltip handler whose bubble lives beside `host`, so that a shadow root and the host's clipping do not matter. */
export function createTooltip(host: HTMLElement, scheme: Scheme): { handler: TooltipHandler; remove: () => void } {
  const bubble = document.createElement("div");
  bubble.className = "mlm-tooltip";
  bubble.dataset.scheme = scheme;
  bubble.setAttribute("role", "tooltip");
  bubble.popover = "manual";
  host.append(bubble);
  const handler: TooltipHandler = (_, event, __, value) => {
    const isEmpty = value === null || value === undefined || value === "";
    if (isEmpty) return bubble.hidePopover?.();
    bubble.replaceChildren(...rows(value));
    bubble.showPopover?.();
    place(bubble, event);
  };
  return { handler, remove: () => bubble.remove() };
}
