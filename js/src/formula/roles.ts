/** Gives each token of a formula its role: outcome, function, a column's level, the bar term it stands in. */
import { columnName, type Token, tokenize } from "./lexer";

export type Role = "outcome" | "function" | "level2" | "group" | "name" | "operator" | "plain" | "unknown";

export interface Piece extends Token {
  role: Role;
  /** Which bar term `( ... | g )` it stands in, from 0; -1 outside. */
  bar: number;
  /** The column whose factor it belongs to: `within(ses, school)` is all of ses. */
  column: string | null;
}

interface Span {
  from: number;
  to: number;
}

function matching(tokens: Token[]): Map<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach((token, at) => {
    if (token.kind === "open") open.push(at);
    const start = token.kind === "close" ? open.pop() : undefined;
    if (start !== undefined) pairs.set(start, at);
  });
  return pairs;
}

function isBar(token: Token | undefined): boolean {
  return token?.text === "|" || token?.text === "||";
}

function barTerms(tokens: Token[], pairs: Map<number, number>): Span[] {
  const spans = [...pairs].map(([from, to]) => ({ from, to }));
  return spans.filter(({ from, to }) => {
    let depth = 0;
    for (let at = from + 1; at < to; at++) {
      if (tokens[at]?.kind === "open") depth++;
      if (tokens[at]?.kind === "close") depth--;
      if (depth === 0 && isBar(tokens[at])) return true;
    }
    return false;
  });
}

function isCall(tokens: Token[], at: number): boolean {
  return tokens[at]?.kind === "name" && tokens[at + 1]?.kind === "open";
}

function factors(tokens: Token[], pairs: Map<number, number>): (Span & { column: string | null })[] {
  const spans: (Span & { column: string | null })[] = [];
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]?.kind !== "name") continue;
    const to = isCall(tokens, at) ? (pairs.get(at + 1) ?? at + 1) : at;
    const names = tokens
      .slice(at, to + 1)
      .filter((token, offset) => token.kind === "name" && !isCall(tokens, at + offset));
    spans.push({ from: at, to, column: names[0] ? columnName(names[0].text) : null });
    at = to;
  }
  return spans;
}

export interface Names {
  /** Every column of the data. */
  columns: Set<string>;
  /** Columns constant within one of the chosen groups. */
  groupLevel: Set<string>;
}

function roleOf(tokens: Token[], at: number, tilde: number, inGroup: boolean, names: Names): Role {
  const token = tokens[at];
  if (!token || token.kind === "space") return "plain";
  if (token.kind === "unknown") return "unknown";
  if (token.kind !== "name") return token.kind === "number" || token.kind === "string" ? "plain" : "operator";
  if (isCall(tokens, at)) return "function";
  if (at < tilde) return "outcome";
  if (inGroup) return "group";
  return names.groupLevel.has(columnName(token.text)) ? "level2" : "name";
}

export function readFormula(text: string, names: Names): Piece[] {
  const tokens = tokenize(text);
  const pairs = matching(tokens);
  const bars = barTerms(tokens, pairs);
  const columns = factors(tokens, pairs);
  const tilde = tokens.findIndex((token) => token.text === "~");
  return tokens.map((token, at) => {
    const bar = bars.findIndex(({ from, to }) => at >= from && at <= to);
    const span = bars[bar];
    const inGroup = span !== undefined && tokens.slice(span.from, at).some(isBar);
    const factor = columns.find(({ from, to }) => at >= from && at <= to);
    const column = inGroup || at < tilde ? null : (factor?.column ?? null);
    return { ...token, role: roleOf(tokens, at, tilde, inGroup, names), bar, column };
  });
}

/** The column at the caret; between two tokens the one that ends there. */
export function columnAt(pieces: Piece[], caret: number): string | null {
  const touching = pieces.filter(({ start, end, column }) => column !== null && start <= caret && caret <= end);
  return touching[0]?.column ?? null;
}

/** The column a term is about: `within(ses, school)` is about ses. */
export function columnOfTerm(term: string, names: Names): string | null {
  return readFormula(term, names).find(({ column }) => column !== null)?.column ?? null;
}

// Python counts characters, JavaScript counts UTF-16 units; they part ways at emoji and rare scripts.
export function unitsAt(text: string, characters: number): number {
  return Array.from(text).slice(0, Math.max(0, characters)).join("").length;
}
