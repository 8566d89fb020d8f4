/** The bubble at the pointer. Vega hands over a value; it becomes text nodes only. */
import theme from "../../../mlm_widgets/plots/theme.json";
import type { Scheme } from "./scheme";

export type TooltipHandler = (handler: unknown, event: MouseEvent, item: unknown, value: unknown) => void;

// Written on the elements themselves: a chart may stand where no style sheet of ours is.
const BUBBLE = `position: fixed; inset: auto; margin: 0; padding: 6px 10px; border: 1px solid; border-radius: 6px;
  box-shadow: 0 4px 14px rgb(0 0 0 / 20%); font: 400 12px/18px Helvetica Neue, Arial, Liberation Sans, sans-serif;
  font-variant-numeric: tabular-nums; pointer-events: none; overflow: visible`;

function row(name: string, value: unknown): HTMLElement {
  const line = document.createElement("div");
  const label = document.createElement("span");
  const text = document.createElement("b");
  line.style.cssText = "display: flex; justify-content: space-between; gap: 16px";
  label.style.opacity = "0.8";
  text.style.fontWeight = "600";
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
export function createTooltip(
  host: HTMLElement,
  scheme: Scheme,
  background: string,
): { handler: TooltipHandler; remove: () => void } {
  const bubble = document.createElement("div");
  bubble.className = "mlm-tooltip";
  const { ink, axis } = theme[scheme];
  bubble.style.cssText = `${BUBBLE}; color: ${ink}; border-color: ${axis}; background: ${background}`;
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
