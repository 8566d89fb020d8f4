/** The data's columns as options: kind, shape, distinct values, missing ones, level, and why one cannot take a role. */
import { Histogram } from "../controls/histogram";
import { LevelBadge } from "../controls/levelBadge";
import type { Option } from "../controls/options";
import type { ColumnPayload, Traits } from "../model/payload";
import { formatCount } from "../text/format";

export type ColumnRole = "outcome" | "predictor" | "group";

const KINDS: Record<ColumnPayload["kind"], { sign: string; word: string }> = {
  number: { sign: "1.2", word: "number" },
  factor: { sign: "abc", word: "text or category" },
  boolean: { sign: "y/n", word: "true or false" },
  date: { sign: "date", word: "date" },
  other: { sign: "?", word: "other kind" },
};

export function groupColumns({ setup }: Traits): string[] {
  return [...new Set(setup.groups.flatMap((group) => group.columns))];
}

/** L2 when constant within a chosen group, L1 when it varies in all of them; unknown while none is chosen. */
export function levelOf(column: ColumnPayload, groups: string[]): string | null {
  if (groups.length === 0 || groups.includes(column.name)) return null;
  return column.constant_within.some((name) => groups.includes(name)) ? "L2" : "L1";
}

function Shape({ column }: { column: ColumnPayload }) {
  if (column.bins && column.bins.length > 1) return <Histogram bins={column.bins} />;
  return <span class="mlm-levels">{column.levels.slice(0, 3).join(", ")}</span>;
}

function levelWords(column: ColumnPayload, groups: string[]): string {
  if (groups.includes(column.name)) return "group";
  const within = column.constant_within.filter((name) => groups.length === 0 || groups.includes(name));
  return within[0] ? `per ${within[0]}` : "";
}

function Cells({ column, groups }: { column: ColumnPayload; groups: string[] }) {
  const level = levelOf(column, groups);
  const words = levelWords(column, groups);
  return (
    <>
      <span class="mlm-shape">
        <Shape column={column} />
      </span>
      <span class="mlm-num">{formatCount(column.n_distinct)}</span>
      <span class="mlm-num" data-some={column.n_missing > 0 || undefined}>
        {formatCount(column.n_missing)}
      </span>
      <span class="mlm-option-level" title={words}>
        {level ? <LevelBadge level={level} /> : words}
      </span>
    </>
  );
}

export function KindSign({ kind }: { kind: ColumnPayload["kind"] }) {
  const { sign, word } = KINDS[kind] ?? KINDS.other;
  return (
    <span class="mlm-kind" title={word}>
      {sign}
    </span>
  );
}

/** Columns that can take the role in the data's order, then those that cannot, each with its reason. */
export function columnOptions(traits: Traits, role: ColumnRole, only?: readonly string[]): Option[] {
  const groups = groupColumns(traits);
  return traits.data.columns
    .filter((column) => !only || only.includes(column.name) || column[`${role}_problem`])
    .sort((a, b) => Number(Boolean(a[`${role}_problem`])) - Number(Boolean(b[`${role}_problem`])))
    .map((column) => ({
      id: column.name,
      label: column.name,
      problem: column[`${role}_problem`],
      keywords: KINDS[column.kind]?.word,
      cells: (
        <>
          <KindSign kind={column.kind} />
          <Cells column={column} groups={groups} />
        </>
      ),
    }));
}

export function ColumnHead() {
  return (
    <div class="mlm-option-head" aria-hidden="true">
      <span>Column</span>
      <span />
      <span class="mlm-num">Distinct</span>
      <span class="mlm-num">Missing</span>
      <span>Level</span>
    </div>
  );
}
