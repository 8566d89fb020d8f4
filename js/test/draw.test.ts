import { expect, test, vi } from "vitest";
import { caterpillar, coefficients } from "../dev/charts";
import core from "../src/core";

const runtime = core.initialize();
const OPTIONS = { scheme: "dark", background: "#1b1d20" } as const;

test("a specification becomes an SVG in the colours of the scheme, without a request", async () => {
  const fetched = vi.fn(() => Promise.reject(new Error("no network")));
  vi.stubGlobal("fetch", fetched);
  const el = document.createElement("div");
  document.body.append(el);
  const drawing = await runtime.draw(el, coefficients(false), OPTIONS);
  const svg = el.querySelector("svg")?.outerHTML ?? "";
  expect(svg).toContain("#62aef5");
  expect(svg).not.toContain("#1769aa");
  expect(fetched).not.toHaveBeenCalled();
  drawing.finalize();
  expect(el.childElementCount).toBe(0);
  vi.unstubAllGlobals();
});

test("160 groups are drawn", async () => {
  const el = document.createElement("div");
  document.body.append(el);
  const drawing = await runtime.draw(el, caterpillar("Intercept"), OPTIONS);
  expect(el.querySelectorAll("svg .mark-rule path, svg .mark-rule line").length).toBeGreaterThanOrEqual(320);
  drawing.finalize();
});

test("data from elsewhere is refused, not fetched", async () => {
  const fetched = vi.fn(() => Promise.reject(new Error("no network")));
  vi.stubGlobal("fetch", fetched);
  const el = document.createElement("div");
  document.body.append(el);
  const spec = { data: { url: "https://example.org/data.csv" }, mark: "point", encoding: { x: { field: "a" } } };
  await runtime.draw(el, spec, OPTIONS).catch(() => {});
  expect(fetched).not.toHaveBeenCalled();
  vi.unstubAllGlobals();
});
