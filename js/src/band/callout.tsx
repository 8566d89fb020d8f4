/** The error of a formula, hanging from the part that is wrong, with the one fix there is. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../controls/icon";
import type { FormulaErrorPayload } from "../model/payload";

interface CalloutProps {
  id: string;
  error: FormulaErrorPayload;
  anchor: RefObject<HTMLElement>;
  onFix(): void;
  onDrop(): void;
}

const ARROW_PX = 62;

function hang(callout: HTMLElement, anchor: HTMLElement | null): void {
  const frame = callout.parentElement?.getBoundingClientRect();
  if (!frame) return;
  const at = anchor?.getClientRects()[0];
  const middle = at ? at.left + at.width / 2 - frame.left : 40;
  const left = Math.max(0, Math.min(middle - ARROW_PX, frame.width - callout.offsetWidth));
  callout.style.marginLeft = `${left}px`;
  callout.style.setProperty("--arrow", `${Math.max(14, Math.min(middle - left, callout.offsetWidth - 14))}px`);
}

export function Callout({ id, error, anchor, onFix, onDrop }: CalloutProps) {
  const callout = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const node = callout.current;
    if (!node) return;
    const again = () => hang(node, anchor.current);
    again();
    if (typeof ResizeObserver === "undefined" || !node.parentElement) return;
    const observer = new ResizeObserver(again);
    observer.observe(node.parentElement);
    return () => observer.disconnect();
  }, [error]);
  return (
    <div ref={callout} class="mlm-callout" data-mlm="formula-error">
      <Icon name="error" />
      <div id={id} role="alert" class="mlm-callout-words">
        <b>{error.message}</b>
        <span>
          Character {error.start + 1}.{error.hint ? ` ${error.hint}` : ""}
        </span>
      </div>
      {error.replacement !== null && (
        <button type="button" class="mlm-button" data-mlm="formula-fix" onClick={onFix}>
          {error.replacement === "" ? "Leave it out" : "Use"} {error.replacement !== "" && <b>{error.replacement}</b>}
          <kbd>Tab</kbd>
        </button>
      )}
      <button
        type="button"
        class="mlm-plain"
        data-mlm="formula-error-close"
        aria-label="Restore the formula before"
        onClick={onDrop}
      >
        <Icon name="close" size={12} />
      </button>
    </div>
  );
}
