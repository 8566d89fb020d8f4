/** What the formula bar shows and what it may do: the text being typed is the user's until it is committed or dropped. */
import type { FormulaErrorPayload, SetupPayload } from "../model/payload";

export interface FormulaState {
  text: string;
  /** Typed, but not yet given to Python. */
  isDraft: boolean;
  error: FormulaErrorPayload | null;
}

/** `draft` is what was typed since; `dropped` the error that Esc put away. */
export function formulaState(
  setup: SetupPayload,
  draft: string | null,
  dropped: FormulaErrorPayload | null,
): FormulaState {
  const error = setup.error !== null && !sameError(setup.error, dropped) ? setup.error : null;
  const text = draft ?? error?.text ?? setup.formula;
  const known = error?.text ?? setup.formula;
  return { text, isDraft: text.trim() !== known.trim(), error: error && text === error.text ? error : null };
}

function sameError(a: FormulaErrorPayload, b: FormulaErrorPayload | null): boolean {
  return b !== null && a.text === b.text && a.message === b.message;
}

export function repaired(text: string, from: number, to: number, replacement: string): string {
  return text.slice(0, from) + replacement + text.slice(to);
}
