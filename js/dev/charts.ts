/** Stand-ins for Python's charts, in the theme's light colours. */
import hsb from "./hsb.json";

type Spec = Record<string, unknown>;

const CONFIG = {
  font: "Helvetica Neue, Arial, Liberation Sans, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "#57606a",
    labelFontSize: 11,
    titleColor: "#1b1f24",
    titleFontSize: 12,
    titleFontWeight: 400,
    gridColor: "#eceef1",
    domainColor: "#aeb5bd",
    tickColor: "#aeb5bd",
  },
  axisY: { domain: false, ticks: false },
  title: {
    anchor: "start",
    color: "#1b1f24",
    fontSize: 14,
    subtitleColor: "#57606a",
    subtitleFontSize: 12,
    frame: "bounds",
  },
};

const PALETTE = { accent: "#1769aa", pick: "#d4620a", muted: "#aeb6bf", ref: "#6a737d" };

function finished(spec: Spec): Spec {
  return { $schema: "https://vega.github.io/schema/vega-lite/v6.json", config: CONFIG, padding: 8, ...spec };
}

export function coefficients(isInterceptShown: boolean): Spec {
  const values = hsb.summary.fixed.filter((row) => isInterceptShown || !row.is_intercept);
  const y = {
    field: "label",
    type: "nominal",
    sort: null,
    title: null,
    axis: { grid: false, labelFontSize: 12, labelColor: "#1b1f24" },
  };
  return finished({
    title: { text: "Coefficients", subtitle: "95 % Wald intervals" },
    width: 460,
    height: { step: 26 },
    data: { values },
    layer: [
      { mark: { type: "rule", color: PALETTE.ref }, encoding: { x: { datum: 0 } } },
      {
        mark: { type: "rule", color: PALETTE.accent, strokeWidth: 1.5 },
        encoding: {
          y,
          x: { field: "conf_low", type: "quantitative", title: "points of mathach" },
          x2: { field: "conf_high" },
        },
      },
      {
        mark: { type: "point", filled: true, color: PALETTE.accent, size: 50, opacity: 1 },
        encoding: {
          y,
          x: { field: "estimate", type: "quantitative" },
          tooltip: [
            { field: "label", title: "term" },
            { field: "estimate", format: ".2f" },
          ],
        },
      },
    ],
  });
}

function caterpillarPanel(title: string, mode: string, half: string): Spec {
  const y = { field: "r", type: "quantitative", axis: null, scale: { domain: [-2, 161] } };
  const clear = `abs(datum.${mode}) > datum.${half}`;
  const color = { condition: { test: clear, value: PALETTE.accent }, value: PALETTE.muted };
  return {
    title: {
      text: title,
      fontSize: 12,
      fontWeight: 600,
      subtitle: "95 % intervals; blue excludes 0",
      subtitleFontSize: 11,
    },
    width: 290,
    height: 480,
    transform: [
      { calculate: `datum.${mode} - datum.${half}`, as: "lo" },
      { calculate: `datum.${mode} + datum.${half}`, as: "hi" },
    ],
    layer: [
      {
        mark: { type: "rule" },
        encoding: { y, color, x: { field: "lo", type: "quantitative", title: null }, x2: { field: "hi" } },
      },
      { mark: { type: "rule", color: PALETTE.ref, strokeDash: [3, 3] }, encoding: { x: { datum: 0 } } },
      {
        mark: { type: "point", filled: true, size: 12, opacity: 1 },
        encoding: {
          y,
          color,
          x: { field: mode, type: "quantitative" },
          tooltip: [
            { field: "g", title: "school" },
            { field: mode, title, format: ".2f" },
          ],
        },
      },
    ],
  };
}

export function caterpillar(sort: string | null): Spec {
  const key = sort === "ses" ? "m1" : "m0";
  const rows = [...hsb.caterpillar].sort((a, b) => a[key] - b[key]).map((row, r) => ({ ...row, r }));
  return finished({
    data: { values: rows },
    spacing: 24,
    hconcat: [caterpillarPanel("Intercept", "m0", "h0"), caterpillarPanel("ses within school", "m1", "h1")],
  });
}

export function predictions(hasBands: boolean, lines: string | null, panels: string | null): Spec {
  const values = hsb.predictions.filter(
    (row) => (panels ? true : row.panel === 0) && (lines ? true : row.line === "Public"),
  );
  const color = {
    field: "line",
    type: "nominal",
    title: null,
    scale: { domain: ["Public", "Catholic"], range: [PALETTE.accent, PALETTE.pick] },
    legend: lines ? { orient: "top", labelFontSize: 12, labelColor: "#1b1f24", symbolType: "stroke" } : null,
  };
  const x = {
    field: "x",
    type: "quantitative",
    title: "ses, distance from the school's mean",
    axis: { grid: false, tickCount: 5 },
  };
  const layer = [
    ...(hasBands
      ? [
          {
            mark: { type: "area", opacity: 0.2 },
            encoding: {
              x,
              color,
              y: { field: "lo", type: "quantitative", title: "Predicted mathach (points)", scale: { zero: false } },
              y2: { field: "hi" },
            },
          },
        ]
      : []),
    {
      mark: { type: "line", strokeWidth: 2 },
      encoding: {
        x,
        color,
        strokeDash: {
          field: "line",
          type: "nominal",
          legend: null,
          scale: {
            domain: ["Public", "Catholic"],
            range: [
              [1, 0],
              [6, 3],
            ],
          },
        },
        y: { field: "y", type: "quantitative", scale: { zero: false } },
      },
    },
  ];
  const one = { width: panels ? 195 : 460, height: 260, layer };
  const body = panels
    ? {
        facet: {
          column: {
            field: "panel",
            type: "quantitative",
            title: null,
            header: {
              labelFontWeight: 600,
              labelColor: "#1b1f24",
              labelExpr: "'meanses ' + replace(datum.label, '-', '\u2212')",
            },
          },
        },
        spec: one,
      }
    : one;
  return finished({
    data: { values },
    title: { text: "Predicted mathach", subtitle: "Population level, 95 % bands" },
    ...body,
  });
}
