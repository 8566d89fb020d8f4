/** The formula bar's field: coloured, completing, pointing at what is wrong. It commits on Enter and never by itself. */
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { quoteName } from "../formula/lexer";
import { columnAt, readFormula, unitsAt } from "../formula/roles";
import type { Traits } from "../model/payload";
import { useSession, useUid } from "../model/session";
import { useNames } from "../setup/names";
import { type Completion, completionAt } from "./completion";
import type { FormulaState } from "./formulaText";
import { Ink } from "./ink";

interface FieldProps {
  traits: Traits;
  state: FormulaState;
  errorId: string;
  wrongRef: RefObject<HTMLSpanElement>;
  fieldRef: RefObject<HTMLTextAreaElement>;
  onType(text: string): void;
  onCommit(): void;
  onRestore(): void;
  onFix(): void;
}

export function FormulaField(props: FieldProps) {
  const { traits, state, errorId, wrongRef, fieldRef, onType } = props;
  const { linked, setLinked } = useSession();
  const names = useNames(traits);
  const uid = useUid();
  const [offer, setOffer] = useState<Completion | null>(null);
  const [active, setActive] = useState(-1);
  const next = useRef<number | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const pieces = useMemo(() => readFormula(state.text, names), [state.text, names]);
  const { error } = state;
  const wrong = error && { from: unitsAt(state.text, error.start), to: unitsAt(state.text, error.end) };

  // The list of names hangs from the word it continues.
  useLayoutEffect(() => {
    const word = frame.current?.querySelector<HTMLElement>(`[data-at="${offer?.from}"]`);
    const box = frame.current?.getBoundingClientRect();
    const at = word?.getClientRects()[0];
    if (!list.current || !box || !at) return;
    list.current.style.left = `${Math.max(0, Math.min(at.left - box.left - 12, box.width - list.current.offsetWidth))}px`;
    list.current.style.top = `${at.bottom - box.top + 6}px`;
  }, [offer]);
  // Putting a name in moves the caret behind it, once the new text is in the field.
  useLayoutEffect(() => {
    if (next.current === null) return;
    fieldRef.current?.setSelectionRange(next.current, next.current);
    next.current = null;
  });

  const closeOffer = () => {
    setOffer(null);
    setActive(-1);
  };
  const onInput = (event: InputEvent) => {
    const field = event.currentTarget as HTMLTextAreaElement;
    const text = field.value.replace(/\r?\n/g, " ");
    const caret = field.selectionStart;
    onType(text);
    setOffer(completionAt(text, caret, names.columns));
    setActive(-1);
  };
  const point = () => setLinked(columnAt(pieces, fieldRef.current?.selectionStart ?? -1));
  const complete = (name: string) => {
    if (!offer) return;
    const written = quoteName(name);
    next.current = offer.from + written.length;
    onType(state.text.slice(0, offer.from) + written + state.text.slice(offer.to));
    closeOffer();
  };
  const onOfferKey = (event: KeyboardEvent): boolean => {
    if (!offer) return false;
    const count = offer.names.length;
    if (event.key === "ArrowDown") setActive((active + 1) % count);
    else if (event.key === "ArrowUp" && active >= 0) setActive(active - 1);
    else if (event.key === "Escape") closeOffer();
    else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) complete(offer.names[active] ?? "");
    else return false;
    return true;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const isHandled = onOfferKey(event) || onFormulaKey(event, props);
    if (!isHandled) return;
    if (event.key === "Enter" || event.key === "Escape") closeOffer();
    event.preventDefault();
  };
  return (
    <div ref={frame} class="mlm-formula" data-wrong={error ? true : undefined}>
      <Ink pieces={pieces} linked={linked} wrong={wrong} wrongRef={wrongRef} />
      <textarea
        ref={fieldRef}
        class="mlm-formula-field"
        data-mlm="formula"
        aria-label="Formula"
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? errorId : undefined}
        aria-autocomplete="list"
        aria-controls={offer ? `${uid}-offer` : undefined}
        aria-activedescendant={active >= 0 ? `${uid}-${active}` : undefined}
        placeholder={traits.setup.outcome ? "" : "outcome ~ predictor + (1 | group)"}
        rows={1}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        value={state.text}
        onInput={onInput}
        onKeyDown={onKeyDown}
        onKeyUp={point}
        onClick={point}
        onFocus={point}
        onBlur={() => {
          setLinked(null);
          closeOffer();
        }}
      />
      {offer && (
        <div ref={list} id={`${uid}-offer`} class="mlm-offer" role="listbox" aria-label="Columns">
          {offer.names.map((name, at) => (
            <div
              key={name}
              id={`${uid}-${at}`}
              role="option"
              aria-selected={at === active}
              data-active={at === active || undefined}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => complete(name)}
            >
              {name}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function onFormulaKey(event: KeyboardEvent, { state, onCommit, onRestore, onFix }: FieldProps): boolean {
  const canFix = state.error !== null && state.error.replacement !== null;
  if (event.key === "Enter") onCommit();
  else if (event.key === "Escape" && (state.isDraft || state.error)) onRestore();
  else if (event.key === "Tab" && !event.shiftKey && canFix) onFix();
  else return false;
  return true;
}
