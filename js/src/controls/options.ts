/** The options of a list: which match what was typed, and where the arrows go. */
import type { ComponentChildren } from "preact";

export interface Option {
  id: string;
  label: string;
  /** Why it cannot be chosen; it stays in the list so that the reason can be read. */
  problem?: string | null;
  /** Cells drawn right of the label. */
  cells?: ComponentChildren;
  /** Other words by which it is found. */
  keywords?: string;
}

const plain = (text: string) => text.toLocaleLowerCase();

/** Options whose label holds `query`; those that start with it come first, those that can be chosen before the rest. */
export function matches(options: readonly Option[], query: string): Option[] {
  const wanted = plain(query.trim());
  if (wanted === "") return [...options];
  const rank = ({ label, keywords = "", problem }: Option) => {
    const at = plain(label).indexOf(wanted);
    const found = at === 0 ? 0 : at > 0 ? 1 : plain(keywords).includes(wanted) ? 2 : -1;
    return found < 0 ? -1 : found + (problem ? 10 : 0);
  };
  return options
    .map((option) => ({ option, rank: rank(option) }))
    .filter((entry) => entry.rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map((entry) => entry.option);
}

/** Where a key moves the active row, or null if the key is not one that moves. */
export function moved(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case "ArrowDown":
      return at < 0 ? 0 : (at + 1) % count;
    case "ArrowUp":
      return at < 0 ? count - 1 : (at - 1 + count) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    case "PageDown":
      return Math.min(count - 1, at + 8);
    case "PageUp":
      return Math.max(0, at - 8);
    default:
      return null;
  }
}

export function firstUsable(options: readonly Option[], preferred?: string | null): number {
  const chosen = options.findIndex((option) => option.id === preferred);
  return chosen >= 0 ? chosen : options.findIndex((option) => !option.problem);
}
