/** Cuts a formula into tokens, for colour and for pointing; Python alone decides what it means. */

export type TokenKind = "name" | "number" | "string" | "operator" | "open" | "close" | "comma" | "space" | "unknown";

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
  end: number;
}

const PATTERNS: [TokenKind, RegExp][] = [
  ["space", /\s+/y],
  ["name", /`(?:[^`\\]|\\.)*`?/y],
  ["string", /"[^"]*"?|'[^']*'?/y],
  ["number", /\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+/y],
  ["name", /[\p{L}_.][\p{L}\p{N}_.]*/uy],
  ["open", /[([{]/y],
  ["close", /[)\]}]/y],
  ["comma", /,/y],
  ["operator", /\|\||\*\*|%in%|[~+\-*:/^|=<>!]/y],
  ["unknown", /[\s\S]/uy],
];

function tokenAt(text: string, start: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = start;
    const found = pattern.exec(text)?.[0];
    if (found) return { kind, text: found, start, end: start + found.length };
  }
  return { kind: "unknown", text: text.slice(start), start, end: text.length };
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at = tokens.at(-1)?.end ?? text.length) tokens.push(tokenAt(text, at));
  return tokens;
}

/** The column a name token stands for: backticks off. */
export function columnName(text: string): string {
  return text.startsWith("`") ? text.replace(/^`|`$/g, "").replace(/\\(.)/g, "$1") : text;
}

/** How a column is written in a formula. */
export function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name}\``;
}
