/** What Python sends: the synced traits, as JSON. Names as in Python. */

export interface ColumnPayload {
  name: string;
  kind: "number" | "factor" | "boolean" | "date" | "other";
  n_distinct: number;
  n_missing: number;
  range: [number, number] | null;
  levels: string[];
  constant_within: string[];
  outcome_problem: string | null;
  predictor_problem: string | null;
  group_problem: string | null;
  bins: number[] | null;
}

export interface DataPayload {
  name: string;
  n_rows: number;
  n_columns: number;
  columns: ColumnPayload[];
}

export interface FormulaErrorPayload {
  text: string;
  message: string;
  hint: string | null;
  start: number;
  end: number;
  replacement: string | null;
}

export interface PredictorOptionPayload {
  kind: "centring" | "reference";
  value: string;
  choices: { value: string; label: string }[];
}

export interface PredictorPayload {
  id: string;
  label: string;
  detail: string;
  column: string | null;
  level: string | null;
  option: PredictorOptionPayload | null;
}

export interface InteractionPayload {
  id: string;
  label: string;
  level: string;
}

export interface CellPayload {
  term: string;
  label: string;
  on: boolean;
  reason: string | null;
}

export interface GroupPayload {
  id: string;
  label: string;
  detail: string;
  columns: string[];
  intercept: boolean;
  correlated: boolean;
  can_correlate: boolean;
  cells: CellPayload[];
}

export interface ChoicePayload {
  value: string;
  label: string;
}

export interface FamilyChoicePayload {
  value: string;
  label: string;
  detail: string;
  /** Why the outcome cannot have it. */
  reason: string | null;
}

export interface ChosenPayload {
  value: string | null;
  choices: ChoicePayload[];
}

export interface SetupPayload {
  outcome: string | null;
  family: string;
  link: string;
  families: FamilyChoicePayload[];
  links: { value: string; label: string; detail: string }[];
  success: ChosenPayload | null;
  trials: ChosenPayload | null;
  exposure: ChosenPayload | null;
  is_linear: boolean;
  note: string | null;
  reml: boolean;
  live: boolean;
  formula: string;
  prompt: string | null;
  error: FormulaErrorPayload | null;
  predictors: PredictorPayload[];
  predictor_choices: string[];
  interactions: InteractionPayload[];
  groups: GroupPayload[];
  group_choices: { id: string; label: string; detail: string }[];
  can_undo: boolean;
  can_redo: boolean;
}

export interface FindingPayload {
  severity: "info" | "warning" | "error";
  component: string;
  message: string;
  action: string | null;
}

export interface FixedRowPayload {
  term: string;
  label: string;
  detail: string;
  level: string;
  is_intercept: boolean;
  estimate: number;
  std_error: number;
  df: number | null;
  statistic: number;
  p_value: number;
  conf_low: number;
  conf_high: number;
  /** The exponentials, where they mean something; a limit beyond all numbers is null. */
  ratio: RatioPayload | null;
}

export interface RatioPayload {
  estimate: number | null;
  conf_low: number | null;
  conf_high: number | null;
}

export interface RandomRowPayload {
  group: string;
  term: string;
  detail: string;
  variance: number;
  sd: number;
  corr: number[];
}

export interface RatioNamesPayload {
  name: string;
  plural: string;
  /** What the exponential of the intercept is. */
  baseline: string;
  note: string;
}

export interface SummaryPayload {
  note: string;
  has_df: boolean;
  ratio: RatioNamesPayload | null;
  fixed: FixedRowPayload[];
  statistic_name: string;
  random: RandomRowPayload[];
  fit: { label: string; value: number; digits: number }[];
  explained: { label: string; value: number | null; kind: "r2" | "icc" }[];
}

export interface FitPayload {
  state: "empty" | "running" | "ready" | "failed";
  formula: string;
  stale: boolean;
  kind: "ok" | "boundary" | "warning" | "error";
  word: string;
  facts: { text: string; strong?: boolean }[][];
  message: string | null;
  hint: string | null;
  findings: FindingPayload[];
  summary: SummaryPayload | null;
  code: { python: string; r: string } | null;
  elapsed_ms: number;
}

export type ChartPayload = { spec: Record<string, unknown>; version: number } | { message: string } | null;

export interface GridValuesPayload {
  mode: "sd" | "quartiles" | "given";
  text: string;
}

export interface PredictionsViewPayload {
  choices: { id: string; label: string; kind: "number" | "factor" }[];
  along: string | null;
  lines: string | null;
  panels: string | null;
  values: Record<string, GridValuesPayload>;
  bands: boolean;
  raw: boolean;
  /** Averaged over groups; null where that is the same as a typical group. */
  average: boolean | null;
  level: number;
}

export interface CaterpillarViewPayload {
  groups: { id: string; label: string }[];
  group: string | null;
  terms: { id: string; label: string }[];
  sort: string | null;
  ratios: boolean;
  ratio_names: string | null;
}

export interface CoefficientsViewPayload {
  intercept: boolean;
  ratios: boolean;
  ratio_names: string | null;
}

export interface ViewsPayload {
  coefficients: CoefficientsViewPayload;
  caterpillar: CaterpillarViewPayload;
  predictions: PredictionsViewPayload;
}

export interface Traits {
  data: DataPayload;
  setup: SetupPayload;
  fit: FitPayload;
  views: ViewsPayload;
  chart_coefficients: ChartPayload;
  chart_caterpillar: ChartPayload;
  chart_predictions: ChartPayload;
}
