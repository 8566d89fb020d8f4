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

export function tableText(summary: SummaryPayload): string {
  const rows = summary.fixed.map((row) => HEAD.map((name) => cell(row[name])).join("\t"));
  return [HEAD.join("\t"), ...rows].join("\n");
}
