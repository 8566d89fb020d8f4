/** Which columns the matrix of random effects has: a term that no grouping can take joins one locked column at the end. */
import type { CellPayload, GroupPayload } from "../model/payload";

export interface MatrixColumns {
  open: CellPayload[];
  locked: CellPayload[];
}

export function matrixColumns(groups: GroupPayload[]): MatrixColumns {
  const cells = groups[0]?.cells ?? [];
  const isLocked = (at: number) => groups.every((group) => group.cells[at]?.reason && !group.cells[at]?.on);
  return { open: cells.filter((_, at) => !isLocked(at)), locked: cells.filter((_, at) => isLocked(at)) };
}

/** One sentence for the locked cells of a row: the shared reason, or each term with its own. */
export function lockedReason(group: GroupPayload, locked: CellPayload[]): string {
  const own = group.cells.filter((cell) => locked.some(({ term }) => term === cell.term));
  const reasons = [...new Set(own.map((cell) => cell.reason ?? ""))];
  if (reasons.length === 1) return `No slope: ${reasons[0]}`;
  return own.map((cell) => `${cell.label}: ${cell.reason}`).join("; ");
}

/** A reason as a sentence of its own. */
export function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}
