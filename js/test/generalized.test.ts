/** Families, links and ratios: what is shown where, and what a click asks. */
import { expect, test } from "vitest";
import type { FitPayload } from "../src/model/payload";
import { axisOf, ratioAxisOf } from "../src/results/axis";
import { tableText } from "../src/results/tableText";
import { mount, press, settle } from "./mount";

const pick = async (list: HTMLElement, id: string) => {
  [...list.querySelectorAll<HTMLElement>("[data-mlm-option]")].find((row) => row.dataset.mlmOption === id)?.click();
  await settle();
};

test("a linear model has a criterion, and neither success, trials, exposure nor ratios", () => {
  const { at, find, el } = mount("full");
  expect(at("family").textContent).toContain("Gaussian");
  expect(at("link").textContent).toContain("identity");
  expect(find("criterion-reml")).not.toBeNull();
  for (const name of ["success", "trials", "exposure", "ratios", "family-note"]) expect(find(name)).toBeNull();
  expect(el.querySelector("[data-mlm=fixed-table] thead")?.textContent).toContain("df");
});

test("a generalized model has no criterion; its parts ask for what is chosen", async () => {
  const { at, find, model } = mount("binomial");
  expect(find("criterion-reml")).toBeNull();
  expect(at("family-note").textContent).toContain("two levels");
  at("family").click();
  await settle();
  const list = at("family-list");
  expect(list.textContent).toContain("yes/no or successes out of trials");
  expect(list.textContent).toContain("needs other values");
  await pick(list, "gamma");
  expect(model.asked).toEqual([]); // it cannot be chosen, and says why
  press(at("family-list").querySelector("[role=listbox]") as HTMLElement, "Escape");
  await settle();
  for (const [name, id] of [
    ["link", "probit"],
    ["success", "N"],
    ["trials", "size"],
    ["exposure", "hours"],
  ] as const) {
    at(name).click();
    await settle();
    await pick(at(`${name}-list`), id);
  }
  at("exposure").click();
  await settle();
  await pick(at("exposure-list"), "");
  expect(model.asked).toEqual([
    { type: "set_link", link: "probit" },
    { type: "set_success", level: "N" },
    { type: "set_trials", column: "size" },
    { type: "set_exposure", column: "hours" },
    { type: "set_exposure", column: null },
  ]);
});

test("the family is chosen by keys", async () => {
  const { at, model, find } = mount("binomial");
  at("link").focus();
  press(at("link"), "ArrowDown");
  await settle();
  const box = at("link-list").querySelector("[role=listbox]") as HTMLElement;
  press(box, "ArrowDown");
  await settle();
  press(box, "Enter");
  await settle();
  expect(find("link-list")).toBeNull();
  expect(model.asked).toEqual([{ type: "set_link", link: "probit" }]);
});

test("effects are odds ratios or log-odds, without degrees of freedom", async () => {
  const { at, model } = mount("binomial");
  const table = at("fixed-table");
  expect(table.dataset.scale).toBe("ratio");
  expect(table.querySelector("thead")?.textContent).toContain("Odds ratio");
  expect(table.querySelector("thead")?.textContent).not.toContain("df");
  expect(at("fixed-Intercept").textContent).toContain("baseline odds");
  expect(at("fixed-meanses").textContent).toContain("208."); // exp(5.339)
  expect(at("fixed-meanses").textContent).toContain("\u221e");
  at("ratios").click();
  await settle();
  expect(model.asked).toEqual([{ type: "view_coefficients", ratios: false }]);
  expect(at("fixed-table").dataset.scale).toBeUndefined();
  expect(at("fixed-meanses").textContent).toContain("5.34");
  expect(at("fixed-table").querySelector("thead")?.textContent).not.toContain("df");
});

test("random effects are shown as ratios when asked", async () => {
  const { at, model } = mount("binomial");
  at("tab-random").click();
  await settle();
  at("caterpillar-ratios").click();
  await settle();
  expect(model.asked).toEqual([{ type: "view_caterpillar", ratios: true }]);
});

test("predictions are of a typical group or averaged", async () => {
  const { at, model } = mount("binomial");
  at("tab-predictions").click();
  await settle();
  at("average").click();
  await settle();
  expect(model.asked).toEqual([{ type: "view_predictions", average: true }]);
});

test("the table is copied as it is shown", () => {
  const { model } = mount("binomial");
  const { summary } = model.get("fit") as FitPayload;
  if (!summary) throw new Error("no summary");
  expect(tableText(summary, true).split("\n")[0]).toBe("term\todds_ratio\tstatistic\tp_value\tconf_low\tconf_high");
  expect(tableText(summary, true)).toContain("\tInf");
  expect(tableText(summary).split("\n")[0]).not.toContain("df\t");
});

test("an axis of ratios is logarithmic and holds 1", () => {
  const axis = ratioAxisOf([{ conf_low: 0.6, conf_high: 3.1 }]);
  expect(axis?.ticks).toEqual([0.75, 1, 1.5, 2, 3]);
  expect(axis?.reference).toBe(1);
  const [half, one, two] = [0.5, 1, 2].map((value) => axis?.at(value) ?? 0);
  expect((two ?? 0) - (one ?? 0)).toBeCloseTo((one ?? 0) - (half ?? 0), 9);
  expect(ratioAxisOf([{ conf_low: 1e-300, conf_high: Number.POSITIVE_INFINITY }])?.high).toBeLessThan(2100);
  expect(ratioAxisOf([{ conf_low: 0.98, conf_high: 1.05 }])?.ticks.map(String)).toContain("1");
  expect(axisOf([{ conf_low: -1, conf_high: 2 }])?.reference).toBe(0);
});
