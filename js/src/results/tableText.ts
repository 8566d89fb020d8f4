/** The fixed effects as tab separated text, for a spreadsheet: full figures, plain minus. */
import type { SummaryPayload } from "../model/payload";

const HEAD = ["term", "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high"] as const;

// A cell that starts like a formula would be run by a spreadsheet; names of columns are data.
function cell(value: string | number | null): string {
  if (value === null) return "Inf";
  if (typeof value === "number") return String(value);
  const flat = value.replace(/[\t\r\n]+/g, " ");
  return /^[=+\-@]/.test(flat) ? `'${flat}` : flat;
}

function lines(rows: (string | number | null)[][]): string {
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}

export function tableText(summary: SummaryPayload, isRatio = false): string {
  if (isRatio && summary.ratio) {
    const name = summary.ratio.name.toLowerCase().replaceAll(" ", "_");
    const rows = summary.fixed.map(({ term, ratio, statistic, p_value }) =>
      ratio ? [term, ratio.estimate, statistic, p_value, ratio.conf_low, ratio.conf_high] : [term],
    );
    return lines([["term", name, "statistic", "p_value", "conf_low", "conf_high"], ...rows]);
  }
  const head = HEAD.filter((name) => summary.has_df || name !== "df");
  return lines([[...head], ...summary.fixed.map((row) => head.map((name) => row[name]))]);
}
