/** A panel hanging from a control, in the browser's top layer so that a notebook's scrolling output cannot cut it off. */
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface PopoverProps {
  anchor: RefObject<HTMLElement>;
  label: string;
  name: string;
  /** A list in it names itself; anything else is a dialog. */
  isList?: boolean;
  /** `back` asks for the focus to return to the anchor. */
  onClose(back: boolean): void;
  children: ComponentChildren;
}

const GAP_PX = 4;
const MARGIN_PX = 8;

function place(node: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const below = innerHeight - at.bottom - GAP_PX - MARGIN_PX;
  const above = at.top - GAP_PX - MARGIN_PX;
  node.style.maxHeight = "none";
  const wanted = node.scrollHeight + 2;
  const isBelow = wanted <= below || below >= above;
  const height = Math.min(wanted, Math.max(120, isBelow ? below : above));
  const left = Math.min(at.left, innerWidth - node.offsetWidth - MARGIN_PX);
  node.style.maxHeight = `${height}px`;
  node.style.left = `${Math.max(MARGIN_PX, left)}px`;
  node.style.top = isBelow ? `${at.bottom + GAP_PX}px` : `${at.top - GAP_PX - height}px`;
}

function hang(node: HTMLElement, anchor: HTMLElement, signal: AbortSignal, onOutside: () => void): void {
  const again = () => place(node, anchor);
  const onPointer = (event: Event) => {
    const path = event.composedPath();
    if (!path.includes(node) && !path.includes(anchor)) onOutside();
  };
  node.showPopover?.();
  again();
  node.querySelector<HTMLElement>("[data-first-focus]")?.focus({ preventScroll: true });
  addEventListener("scroll", (event) => event.target !== node && !node.contains(event.target as Node) && again(), {
    signal,
    capture: true,
    passive: true,
  });
  addEventListener("resize", again, { signal });
  document.addEventListener("pointerdown", onPointer, { signal, capture: true });
}

export function Popover({ anchor, label, name, isList = false, onClose, children }: PopoverProps) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const controller = new AbortController();
    if (panel.current && anchor.current) hang(panel.current, anchor.current, controller.signal, () => onClose(false));
    return () => controller.abort();
  }, []);
  useLayoutEffect(() => {
    if (panel.current && anchor.current) place(panel.current, anchor.current);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onClose(true);
  };
  const onFocusOut = (event: FocusEvent) => {
    const next = event.relatedTarget as Node | null;
    if (next && !panel.current?.contains(next) && !anchor.current?.contains(next)) onClose(false);
  };
  return (
    <div
      ref={panel}
      class="mlm-popover"
      data-mlm={name}
      popover="manual"
      {...(isList ? {} : { role: "dialog", "aria-label": label })}
      onKeyDown={onKeyDown}
      onFocusOut={onFocusOut}
    >
      {children}
    </div>
  );
}
