/** Focus is never lost: when the control that had it is gone after an update, its neighbour takes it. */
import { useLayoutEffect, useRef } from "preact/hooks";

interface Place {
  el: HTMLElement;
  name: string | undefined;
  row: HTMLElement | null;
  chip: number;
}

function chipsOf(row: HTMLElement): HTMLElement[] {
  return [...row.querySelectorAll<HTMLElement>("[data-chip]")];
}

function placeOf(el: HTMLElement): Place {
  const row = el.closest<HTMLElement>("[data-row]");
  const chip = el.closest<HTMLElement>("[data-chip]");
  return { el, name: el.dataset.mlm, row, chip: row && chip ? chipsOf(row).indexOf(chip) : -1 };
}

function heir(root: HTMLElement, { name, row, chip }: Place): HTMLElement | null {
  const same = [...root.querySelectorAll<HTMLElement>("[data-mlm]")].find((el) => el.dataset.mlm === name);
  if (same) return same;
  if (name === "unfold") return root.querySelector<HTMLElement>("[data-mlm=fold]");
  if (!row?.isConnected) return root.querySelector<HTMLElement>("[data-mlm=formula]");
  const chips = chipsOf(row);
  const next = chip >= 0 ? chips[Math.min(chip, chips.length - 1)] : undefined;
  // Another choice gives the chip another name: its option keeps the focus.
  const option = name?.startsWith("option-") ? next?.querySelector<HTMLElement>("[data-mlm^='option-']") : null;
  if (option) return option;
  return (next ?? row).querySelector<HTMLElement>("button, input, [tabindex='0']");
}

/** Call in the root component: it looks after every drawing. */
export function useKeptFocus(root: HTMLElement): void {
  const last = useRef<Place | null>(null);
  useLayoutEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    root.addEventListener(
      "focusin",
      (event) => {
        last.current = placeOf(event.target as HTMLElement);
      },
      { signal },
    );
    root.addEventListener(
      "focusout",
      (event) => {
        const isGoing = event.relatedTarget !== null || (event.target as HTMLElement).isConnected;
        if (isGoing && event.relatedTarget !== null) last.current = null;
      },
      { signal },
    );
    root.ownerDocument.addEventListener(
      "pointerdown",
      (event) => {
        if (!event.composedPath().includes(root)) last.current = null;
      },
      { signal, capture: true },
    );
    return () => controller.abort();
  }, [root]);
  useLayoutEffect(() => {
    const place = last.current;
    if (!place || place.el.isConnected) return;
    const holder = (root.getRootNode() as Document | ShadowRoot).activeElement;
    if (holder && root.contains(holder)) return;
    last.current = null;
    heir(root, place)?.focus({ preventScroll: true });
  });
}
