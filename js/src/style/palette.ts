/**
 * The colours of one view. The table is the design's; where the host (JupyterLab, VS Code) has a colour of its own it is
 * used as long as the contrast the table promises is kept, so that an odd theme can never make the builder unreadable.
 */
import type { Scheme } from "../core/scheme";
import { contrast, mix, parseColor, type Rgb, toHex } from "./color";

export type Token =
  | "bg"
  | "surface"
  | "line"
  | "line-2"
  | "ctl"
  | "text"
  | "text-2"
  | "text-3"
  | "accent"
  | "on-accent"
  | "accent-text"
  | "accent-soft"
  | "accent-line"
  | "level2"
  | "level2-soft"
  | "level2-line"
  | "warn"
  | "warn-soft"
  | "warn-line"
  | "err"
  | "err-soft"
  | "err-line"
  | "mark"
  | "hover";

export type Colors = Record<Token, string>;

export interface Palette {
  scheme: Scheme;
  colors: Colors;
}

export const TABLE: Record<Scheme, Colors> = {
  light: {
    bg: "#ffffff",
    surface: "#f7f8f9",
    line: "#e4e6e9",
    "line-2": "#cbd0d5",
    ctl: "#828992",
    text: "#1b1e22",
    "text-2": "#555c65",
    "text-3": "#616871",
    accent: "#1668b8",
    "on-accent": "#ffffff",
    "accent-text": "#125a9f",
    "accent-soft": "#e9f2fb",
    "accent-line": "#a9cbec",
    level2: "#006b53",
    "level2-soft": "#e1f3ed",
    "level2-line": "#9fd3c3",
    warn: "#864800",
    "warn-soft": "#fdf3e3",
    "warn-line": "#ecc07f",
    err: "#ab211a",
    "err-soft": "#fdeeec",
    "err-line": "#eeb3ae",
    mark: "#878e97",
    hover: "#f1f3f5",
  },
  dark: {
    bg: "#1b1d20",
    surface: "#222529",
    line: "#32363b",
    "line-2": "#4d535a",
    ctl: "#878e97",
    text: "#e8eaed",
    "text-2": "#b1b7be",
    "text-3": "#979ea7",
    accent: "#64b5f6",
    "on-accent": "#06192a",
    "accent-text": "#82c4fb",
    "accent-soft": "#18314a",
    "accent-line": "#3a6a96",
    level2: "#55d3b0",
    "level2-soft": "#13352c",
    "level2-line": "#2c6f5c",
    warn: "#f3bb6d",
    "warn-soft": "#372812",
    "warn-line": "#7d5c28",
    err: "#ff948b",
    "err-soft": "#3b1f1d",
    "err-line": "#854540",
    mark: "#7f868f",
    hover: "#2a2d32",
  },
};

const HOST: Partial<Record<Token, string[]>> = {
  bg: ["--jp-layout-color1", "--vscode-editor-background"],
  text: ["--jp-ui-font-color1", "--vscode-editor-foreground"],
  "text-2": ["--jp-ui-font-color2", "--vscode-descriptionForeground"],
};
// JupyterLab's dark themes keep the accent that reads on their ground one step lighter.
const HOST_ACCENT: Record<Scheme, string[]> = {
  light: ["--jp-brand-color1", "--vscode-textLink-foreground"],
  dark: ["--jp-brand-color2", "--vscode-textLink-foreground"],
};

/** Least contrast with the panel (or with the soft colour behind it), for words 4.5, for controls 3. */
export const PROMISED: [Token, Token, number][] = [
  ["text", "bg", 10],
  ["text-2", "bg", 6],
  ["text-2", "surface", 5],
  ["text-3", "bg", 5],
  ["text-3", "surface", 4.5],
  ["accent", "bg", 5],
  ["on-accent", "accent", 5],
  ["accent-text", "accent-soft", 5],
  ["level2", "bg", 5],
  ["level2", "level2-soft", 5],
  ["warn", "warn-soft", 5],
  ["warn", "surface", 5],
  ["err", "err-soft", 5],
  ["err", "surface", 5],
  ["ctl", "bg", 3],
  ["mark", "bg", 3],
];

const rgbOf = (hex: string): Rgb => parseColor(hex)?.rgb ?? [0, 0, 0];

export function ratioOf(colors: Colors, token: Token, behind: Token): number {
  return contrast(rgbOf(colors[token]), rgbOf(colors[behind]));
}

function keepsPromises(colors: Colors, token: Token): boolean {
  return PROMISED.filter(([of]) => of === token).every(([of, behind, least]) => ratioOf(colors, of, behind) >= least);
}

/** The first of the candidates that keeps the promise; the host's black or white if none does. */
function settle(colors: Colors, token: Token, candidates: string[]): string {
  const extreme = contrast(rgbOf(colors.bg), [255, 255, 255]) > 7 ? "#ffffff" : "#000000";
  const half = candidates.map((color) => toHex(mix(rgbOf(color), rgbOf(extreme), 0.6)));
  const all = [...candidates, ...half];
  return all.find((color) => keepsPromises({ ...colors, [token]: color }, token)) ?? extreme;
}

// How far a tint leans from the table's own panel colour is kept on a host's panel of another colour.
function onPanel(table: Colors, bg: string): Colors {
  const shift = (hex: string): string => {
    const [from, to, color] = [rgbOf(table.bg), rgbOf(bg), rgbOf(hex)];
    const clamp = (value: number) => Math.min(255, Math.max(0, value));
    return toHex([
      clamp(color[0] + to[0] - from[0]),
      clamp(color[1] + to[1] - from[1]),
      clamp(color[2] + to[2] - from[2]),
    ]);
  };
  const tints: Token[] = ["surface", "line", "line-2", "hover", "accent-soft", "level2-soft", "warn-soft", "err-soft"];
  return { ...table, bg, ...Object.fromEntries(tints.map((token) => [token, shift(table[token])])) };
}

/** `read` gives a host's custom property as a colour over the panel, or null. */
export function choosePalette(scheme: Scheme, read: (property: string) => string | null): Palette {
  const properties = { ...HOST, accent: HOST_ACCENT[scheme] };
  const hostColor = (token: Token) =>
    properties[token as keyof typeof properties]?.map(read).find((color) => color !== null) ?? null;
  const table = TABLE[scheme];
  const bg = hostColor("bg");
  const isUsable = bg !== null && contrast(rgbOf(bg), rgbOf(table.text)) > 9;
  let colors = isUsable ? onPanel(table, bg) : { ...table };
  const tokens = [...new Set(PROMISED.map(([token]) => token))];
  for (const token of tokens) {
    const own = isUsable ? hostColor(token) : null;
    colors = { ...colors, [token]: settle(colors, token, own ? [own, table[token]] : [table[token]]) };
  }
  return { scheme, colors };
}
