/** Enough of Python to click through: keeps a setup, writes its formula, answers after a moment. The numbers are of one fixed model. */

import { quoteName } from "../src/formula/lexer";
import type { Action } from "../src/model/action";
import type {
  FitPayload,
  GroupPayload,
  PredictorPayload,
  SetupPayload,
  SummaryPayload,
  Traits,
} from "../src/model/payload";
import { caterpillar, coefficients, predictions } from "./charts";
import hsb from "./hsb.json";

export const data = hsb.data as unknown as Traits["data"];
const summary = {
  ...hsb.summary,
  has_df: true,
  ratio: null,
  fixed: hsb.summary.fixed.map((row) => ({ ...row, ratio: null })),
} as unknown as SummaryPayload;

const FAMILIES: SetupPayload["families"] = [
  { value: "gaussian", label: "Gaussian", detail: "numbers, bell-shaped around their mean", reason: null },
  { value: "gamma", label: "Gamma", detail: "positive, skewed", reason: "needs numbers above 0" },
];
const LINKS: Record<string, SetupPayload["links"]> = {
  gaussian: [
    { value: "identity", label: "identity", detail: "the mean itself" },
    { value: "log", label: "log", detail: "effects multiply the mean" },
  ],
  binomial: [
    { value: "logit", label: "logit", detail: "log-odds" },
    { value: "probit", label: "probit", detail: "a normal threshold" },
  ],
};

const columnOf = (name: string) => data.columns.find((column) => column.name === name);
const levelOf = (name: string) => (columnOf(name)?.constant_within.includes("school") ? "L2" : "L1");

function predictor(name: string, value?: string): PredictorPayload {
  const column = columnOf(name);
  const isFactor = column?.kind === "factor";
  const levels = (column?.levels ?? []).map((level) => ({ value: level, label: level }));
  const centring = [
    { value: "none", label: "not centred" },
    { value: "grand", label: "grand mean" },
    ...(levelOf(name) === "L1" ? [{ value: "within", label: "within school" }] : []),
  ];
  const option = isFactor
    ? { kind: "reference" as const, value: value ?? levels[0]?.value ?? "", choices: levels }
    : { kind: "centring" as const, value: value ?? "none", choices: centring };
  return { id: name, label: name, detail: "", column: name, level: levelOf(name), option };
}

function written({ id, option }: PredictorPayload): string {
  const name = quoteName(id);
  if (option?.kind === "centring" && option.value === "within") return `within(${name}, school)`;
  return option?.kind === "centring" && option.value === "grand" ? `center(${name})` : name;
}

function group(id: string, predictors: PredictorPayload[], old?: GroupPayload): GroupPayload {
  const cells = predictors.map((item) => ({
    term: written(item),
    label: item.label + (item.option?.value === "within" ? " within" : ""),
    on: old?.cells.find((cell) => cell.label.split(" ")[0] === item.label)?.on ?? false,
    reason: item.level === "L2" ? `constant within ${id}` : null,
  }));
  const isSloped = cells.some((cell) => cell.on);
  return {
    id,
    label: id,
    detail: "160 groups",
    columns: [id],
    intercept: old?.intercept ?? true,
    correlated: old?.correlated ?? true,
    can_correlate: isSloped,
    cells,
  };
}

function barTerm({ id, intercept, correlated, can_correlate, cells }: GroupPayload): string {
  const slopes = cells.filter((cell) => cell.on).map((cell) => cell.term);
  const terms = [...(intercept ? (slopes.length > 0 ? [] : ["1"]) : ["0"]), ...slopes];
  return `(${terms.join(" + ")} ${correlated || !can_correlate ? "|" : "||"} ${id})`;
}

export interface Box {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
}

/** The setup after `change`, with all that follows from it. */
function settled(setup: SetupPayload): SetupPayload {
  const groups = setup.groups.map((old) => group(old.id, setup.predictors, old));
  const ids = new Map(setup.predictors.map((item) => [item.id, written(item)]));
  const products = setup.interactions.map(({ id }) =>
    id
      .split(":")
      .map((part) => ids.get(part))
      .join(":"),
  );
  const fixed = [...setup.predictors.map(written), ...products, ...groups.map(barTerm)];
  const chosen = [setup.outcome, ...setup.predictors.map(({ id }) => id), ...groups.map(({ id }) => id)];
  return {
    ...setup,
    groups,
    formula: setup.outcome ? `${quoteName(setup.outcome)} ~ ${fixed.join(" + ") || "1"}` : "",
    prompt: !setup.outcome ? "Choose an outcome" : groups.length === 0 ? "Choose groups" : null,
    error: null,
    predictor_choices: data.columns
      .filter((column) => !chosen.includes(column.name) && !column.predictor_problem)
      .map(({ name }) => name),
    group_choices: groups.length > 0 ? [] : [{ id: "school", label: "school", detail: "160 groups, 14 to 67 rows" }],
  };
}

const EMPTY: SetupPayload = {
  outcome: null,
  family: "gaussian",
  link: "identity",
  families: FAMILIES,
  links: LINKS.gaussian ?? [],
  success: null,
  trials: null,
  exposure: null,
  is_linear: true,
  note: null,
  reml: true,
  live: true,
  formula: "",
  prompt: null,
  error: null,
  predictors: [],
  predictor_choices: [],
  interactions: [],
  groups: [],
  group_choices: [],
  can_undo: false,
  can_redo: false,
};

export function emptySetup(): SetupPayload {
  return settled(EMPTY);
}

export function fullSetup(): SetupPayload {
  const predictors = [predictor("ses", "within"), predictor("meanses"), predictor("sector", "Public")];
  const first = settled({
    ...EMPTY,
    outcome: "mathach",
    predictors,
    can_undo: true,
    interactions: [
      { id: "ses:meanses", label: "ses × meanses", level: "L1×L2" },
      { id: "ses:sector", label: "ses × sector", level: "L1×L2" },
    ],
    groups: [{ id: "school" } as GroupPayload].map(() => group("school", predictors)),
  });
  const groups = first.groups.map((item) => ({
    ...item,
    cells: item.cells.map((cell, at) => ({ ...cell, on: at === 0 })),
  }));
  return {
    ...settled({ ...first, groups }),
    formula: "mathach ~ within(ses, school) * (meanses + sector) + (within(ses, school) | school)",
  };
}

export const EMPTY_FIT: FitPayload = {
  state: "empty",
  formula: "",
  stale: false,
  kind: "ok",
  word: "",
  facts: [],
  message: null,
  hint: null,
  findings: [],
  summary: null,
  code: null,
  elapsed_ms: 0,
};

export function readyFit(formula: string): FitPayload {
  return {
    ...EMPTY_FIT,
    state: "ready",
    formula,
    word: "Converged",
    summary,
    elapsed_ms: 4,
    facts: [
      [{ text: "9 evaluations · 4 ms" }],
      [
        { text: "160", strong: true },
        { text: " schools, " },
        { text: "14–67", strong: true },
        { text: " pupils each" },
      ],
      [{ text: "ICC " }, { text: "0.18", strong: true }],
      [{ text: "no rows dropped" }],
    ],
    findings: [
      {
        severity: "info",
        component: "school: ses slope",
        message: "The ses slope varies little between schools (sd 0.32).",
        action: "Compare with the model without it before keeping it.",
      },
    ],
    code: {
      python: `import mlm_widgets as mlm\n\nhsb = mlm.datasets.load("hsb")\nmodel = mlm.fit(\n    "${formula}",\n    hsb,\n    reml=True,\n)\nmodel.summary()`,
      r: "library(lme4)\n\nhsb$ses_within <- hsb$ses - ave(hsb$ses, hsb$school)\nm <- lmer(mathach ~ ses_within * (meanses + sector) + (ses_within | school),\n          data = hsb, REML = TRUE)\nsummary(m)",
    },
  };
}

/** A generalized model: a name in two values, effects as odds ratios. */
export function binomialSetup(): SetupPayload {
  return {
    ...fullSetup(),
    family: "binomial",
    link: "logit",
    is_linear: false,
    families: [
      { value: "binomial", label: "Binomial", detail: "yes/no or successes out of trials", reason: null },
      ...FAMILIES.map((family) => ({ ...family, reason: `needs other values than ${family.label} has` })),
    ],
    links: LINKS.binomial ?? [],
    success: {
      value: "Y",
      choices: [
        { value: "N", label: "N" },
        { value: "Y", label: "Y" },
      ],
    },
    trials: { value: null, choices: [{ value: "size", label: "size" }] },
    exposure: { value: null, choices: [{ value: "hours", label: "hours" }] },
    note: "“use” has two levels, so the family is binomial.",
  };
}

export function binomialFit(formula: string): FitPayload {
  const fixed = summary.fixed.map((row) => ({
    ...row,
    ratio: { estimate: Math.exp(row.estimate), conf_low: Math.exp(row.conf_low), conf_high: null },
  }));
  const ratio = {
    name: "Odds ratio",
    plural: "Odds ratios",
    baseline: "baseline odds",
    note: "Odds ratios, z tests, Wald intervals",
  };
  const own = {
    ...summary,
    note: "Log-odds, z tests, Wald intervals",
    statistic_name: "z",
    has_df: false,
    ratio,
    fixed,
  };
  return { ...readyFit(formula), summary: own };
}

export function startViews(): Traits["views"] {
  return {
    coefficients: { intercept: false, ratios: true, ratio_names: null },
    caterpillar: {
      groups: [{ id: "school", label: "school" }],
      group: "school",
      terms: [
        { id: "Intercept", label: "intercept" },
        { id: "ses", label: "ses within school" },
      ],
      sort: "Intercept",
      ratios: false,
      ratio_names: null,
    },
    predictions: {
      choices: [
        { id: "ses", label: "ses", kind: "number" },
        { id: "meanses", label: "meanses", kind: "number" },
        { id: "sector", label: "sector", kind: "factor" },
      ],
      along: "ses",
      lines: "sector",
      panels: "meanses",
      values: { meanses: { mode: "sd", text: "" } },
      bands: true,
      raw: false,
      average: null,
      level: 0.95,
    },
  };
}

let version = 0;

export function drawCharts(box: Box): void {
  const views = box.get("views") as Traits["views"];
  const view = views.predictions;
  version += 1;
  box.set("chart_coefficients", { spec: coefficients(views.coefficients.intercept), version });
  box.set("chart_caterpillar", { spec: caterpillar(views.caterpillar.sort), version });
  box.set("chart_predictions", { spec: predictions(view.bands, view.lines, view.panels), version });
}

const without = <Item extends { id: string }>(items: Item[], id: string) => items.filter((item) => item.id !== id);

function changed(setup: SetupPayload, action: Action): SetupPayload | null {
  const { predictors, interactions, groups } = setup;
  const inGroup = (id: string, patch: (old: GroupPayload) => Partial<GroupPayload>) => ({
    ...setup,
    groups: groups.map((old) => (old.id === id ? { ...old, ...patch(old) } : old)),
  });
  switch (action.type) {
    case "set_outcome":
      return { ...setup, outcome: action.column, predictors: without(predictors, action.column) };
    case "add_predictor":
      return { ...setup, predictors: [...predictors, predictor(action.column)] };
    case "remove_predictor":
      return {
        ...setup,
        predictors: without(predictors, action.id),
        interactions: interactions.filter(({ id }) => !id.split(":").includes(action.id)),
      };
    case "set_option":
      return {
        ...setup,
        predictors: predictors.map((old) => (old.id === action.id ? predictor(old.id, action.value) : old)),
      };
    case "add_interaction":
      return {
        ...setup,
        interactions: [
          ...interactions,
          {
            id: action.ids.join(":"),
            label: action.ids.join(" × "),
            level: [...new Set(action.ids.map(levelOf))].sort().join("×"),
          },
        ],
      };
    case "remove_interaction":
      return { ...setup, interactions: without(interactions, action.id) };
    case "add_group":
      return { ...setup, groups: [...groups, group(action.id, predictors)] };
    case "remove_group":
      return { ...setup, groups: without(groups, action.id) };
    case "set_intercept":
      return inGroup(action.group, () => ({ intercept: action.on }));
    case "set_correlated":
      return inGroup(action.group, () => ({ correlated: action.on }));
    case "set_slope":
      return inGroup(action.group, ({ cells }) => ({
        cells: cells.map((cell) => (cell.term === action.term ? { ...cell, on: action.on } : cell)),
      }));
    case "set_reml":
      return { ...setup, reml: action.on };
    case "set_link":
      return { ...setup, link: action.link, is_linear: setup.family === "gaussian" && action.link === "identity" };
    case "set_family":
      return { ...setup, family: action.family, links: LINKS[action.family] ?? [] };
    case "set_success":
      return { ...setup, success: setup.success && { ...setup.success, value: action.level } };
    case "set_trials":
      return { ...setup, trials: setup.trials && { ...setup.trials, value: action.column } };
    case "set_exposure":
      return { ...setup, exposure: setup.exposure && { ...setup.exposure, value: action.column } };
    case "set_live":
      return { ...setup, live: action.on };
    default:
      return null;
  }
}

type Answer = { ok: true } | { ok: false; error: { message: string; hint: string | null } };

function setFormula(box: Box, text: string): Answer {
  const setup = box.get("setup") as SetupPayload;
  const odd = /\b(secter)\b/.exec(text);
  if (!odd) {
    box.set("setup", { ...setup, formula: text.trim(), error: null });
    return { ok: true };
  }
  const error = { message: "There is no column “secter” in hsb", hint: "Closest names: sector, sex." };
  box.set("setup", {
    ...setup,
    error: { ...error, text, start: odd.index, end: odd.index + 6, replacement: "sector" },
  });
  return { ok: false, error };
}

function changeViews(box: Box, action: Action): void {
  const views = box.get("views") as Traits["views"];
  const { type, ...patch } = action as { type: string } & Record<string, never>;
  const key = type.replace("view_", "") as keyof Traits["views"];
  const values = { ...views.predictions.values, ...(patch as { values?: object }).values };
  box.set("views", { ...views, [key]: { ...views[key], ...patch, ...(key === "predictions" ? { values } : {}) } });
  drawCharts(box);
}

const past: SetupPayload[] = [];
const future: SetupPayload[] = [];

function travel(box: Box, from: SetupPayload[], to: SetupPayload[]): void {
  const setup = from.pop();
  if (!setup) return;
  to.push(box.get("setup") as SetupPayload);
  box.set("setup", { ...setup, can_undo: past.length > 0, can_redo: future.length > 0 });
}

function refit(box: Box): void {
  const setup = box.get("setup") as SetupPayload;
  const fit = box.get("fit") as FitPayload;
  if (setup.prompt) {
    box.set("fit", { ...fit, stale: fit.summary !== null });
    return;
  }
  box.set("fit", { ...fit, state: "running" });
  setTimeout(() => {
    box.set("fit", readyFit(setup.formula));
    drawCharts(box);
  }, 250);
}

export function answer(box: Box, action: Action): Answer {
  if (action.type.startsWith("view_")) {
    changeViews(box, action);
    return { ok: true };
  }
  const setup = box.get("setup") as SetupPayload;
  if (action.type === "undo") travel(box, past, future);
  else if (action.type === "redo") travel(box, future, past);
  else if (action.type === "set_formula") {
    const reply = setFormula(box, action.text);
    if (!reply.ok) return reply;
  } else if (action.type !== "fit") {
    const next = changed(setup, action);
    if (!next) return { ok: false, error: { message: `${action.type} is not known here.`, hint: null } };
    past.push(setup);
    future.length = 0;
    box.set("setup", { ...settled(next), can_undo: true, can_redo: false });
  }
  if (setup.live || action.type === "fit") refit(box);
  else box.set("fit", { ...(box.get("fit") as FitPayload), stale: true });
  return { ok: true };
}
