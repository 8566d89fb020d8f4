/** Column names that continue the word at the caret. */
import { quoteName, tokenize } from "../formula/lexer";

export interface Completion {
  from: number;
  to: number;
  names: string[];
}

const MOST = 8;

export function completionAt(text: string, caret: number, columns: Iterable<string>): Completion | null {
  const word = tokenize(text).find(({ kind, start, end }) => kind === "name" && start < caret && caret <= end);
  if (!word) return null;
  const typed = word.text
    .slice(0, caret - word.start)
    .replace(/^`/, "")
    .toLowerCase();
  const names = [...columns].filter((name) => name.toLowerCase().startsWith(typed) && quoteName(name) !== word.text);
  const isDone = [...columns].some((name) => quoteName(name) === word.text);
  return typed === "" || isDone || names.length === 0
    ? null
    : { from: word.start, to: word.end, names: names.slice(0, MOST) };
}
