/** The states that are looked at: ?scene=name. */
import type { FitPayload, SetupPayload, Traits } from "../src/model/payload";
import type { Box } from "./fakePython";
import {
  binomialFit,
  binomialSetup,
  data,
  drawCharts,
  EMPTY_FIT,
  emptySetup,
  fullSetup,
  readyFit,
  startViews,
} from "./fakePython";

function fill(box: Box, setup: SetupPayload, fit: FitPayload): void {
  const traits: Partial<Traits> = { data, setup, fit, views: startViews() };
  for (const [name, value] of Object.entries(traits)) box.set(name, value);
  if (fit.summary) drawCharts(box);
}

const full = () => fullSetup();
const ready = () => readyFit(full().formula);
const wrongText = "mathach ~ within(ses, school) * (meanses + secter) + (within(ses, school) | school)";

const SINGULAR: FitPayload["findings"] = [
  {
    severity: "warning",
    component: "school: the ses slope has no variation of its own",
    message:
      "The estimated differences of the ses slope between schools follow exactly from the schools’ intercepts (correlation 1). The data hold no separate information about them.",
    action: "Drop the slope of ses, or its correlation with the intercept.",
  },
  {
    severity: "info",
    component: "160 schools",
    message: "Plenty for three random terms: the cause is the slope, not the number of groups.",
    action: null,
  },
];

export const SCENES: Record<string, (box: Box) => void> = {
  full: (box) => fill(box, full(), ready()),
  binomial: (box) => {
    fill(box, binomialSetup(), binomialFit(binomialSetup().formula));
    const views = startViews();
    box.set("views", {
      ...views,
      coefficients: { ...views.coefficients, ratio_names: "Odds ratios" },
      caterpillar: { ...views.caterpillar, ratio_names: "Odds ratios" },
      predictions: { ...views.predictions, average: false },
    });
  },
  empty: (box) => fill(box, emptySetup(), EMPTY_FIT),
  wrong: (box) =>
    fill(
      box,
      {
        ...full(),
        error: {
          text: wrongText,
          message: "There is no column “secter” in hsb",
          hint: "Closest names: sector, sex.",
          start: 43,
          end: 49,
          replacement: "sector",
        },
      },
      ready(),
    ),
  singular: (box) => fill(box, full(), { ...ready(), kind: "boundary", word: "At the boundary", findings: SINGULAR }),
  failed: (box) =>
    fill(box, full(), {
      ...ready(),
      state: "failed",
      stale: true,
      kind: "error",
      word: "Not fitted",
      message: "Every school has one row, so the school variance and the residual variance cannot be told apart.",
      hint: "Choose a grouping with several rows a group.",
    }),
  failedfirst: (box) =>
    fill(box, full(), {
      ...EMPTY_FIT,
      state: "failed",
      kind: "error",
      word: "Not fitted",
      message: "Every school has one row.",
      hint: "Choose another grouping.",
    }),
  running: (box) => fill(box, full(), { ...ready(), state: "running" }),
  stale: (box) => fill(box, { ...full(), live: false }, { ...ready(), stale: true }),
  crossed: (box) => {
    const setup = full();
    const [school] = setup.groups;
    if (!school) return;
    const district = {
      ...school,
      id: "district",
      label: "district",
      detail: "12 groups",
      columns: ["district"],
      cells: school.cells.map((cell, at) => ({
        ...cell,
        on: false,
        reason: at === 2 ? null : "constant within district",
      })),
    };
    const nested = { ...school, id: "district:school", label: "school in district", columns: ["district", "school"] };
    fill(box, { ...setup, groups: [nested, district] }, ready());
  },
  odd: (box) => {
    const setup = full();
    const name = "<img src=x onerror=alert(1)> very long name of a column that never ends";
    const predictors = setup.predictors.map((item, at) => (at === 1 ? { ...item, label: name } : item));
    fill(
      box,
      { ...setup, predictors, formula: "mathach ~ `<img src=x onerror=alert(1)>` + ses + (1 | school)" },
      ready(),
    );
  },
};
