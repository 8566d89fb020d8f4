import { expect, test, vi } from "vitest";
import { mount, press, settle, type } from "./mount";

const formulaOf = (node: HTMLElement) => (node as HTMLTextAreaElement).value;

test("the saved state alone draws everything, with no Python", async () => {
  const { at, el, runtime, model } = mount("full", { isAnswering: false });
  expect(at("fixed-table").textContent).toContain("2.94");
  expect(at("fixed-table").textContent).toContain("\u22121.64");
  expect(at("status").textContent).toContain("Converged");
  expect(formulaOf(at("formula"))).toContain("mathach ~");
  at("tab-coefficients").click();
  await settle();
  expect(at("chart-coefficients").dataset.drawn).toBe("1");
  expect(runtime.draw).toHaveBeenCalledTimes(1);
  expect(el.textContent).toContain("drawn");
  expect(model.asked).toEqual([]);
});

test("keys do not leave the builder", () => {
  const { at, el } = mount("full");
  const heard = vi.fn();
  for (const name of ["keydown", "keyup", "keypress"]) el.addEventListener(name, heard);
  for (const name of ["formula", "outcome", "tab-summary", "fit"]) {
    for (const event of ["keydown", "keyup", "keypress"])
      at(name).dispatchEvent(new KeyboardEvent(event, { key: "b", bubbles: true }));
  }
  expect(heard).not.toHaveBeenCalled();
  expect(at("builder").dataset.lmSuppressShortcuts).toBe("true");
});

test("names from data are only ever text", async () => {
  const { el, at } = mount("odd");
  at("add-predictor").click();
  await settle();
  expect(el.querySelector("img")).toBeNull();
  expect(at("predictor-meanses").textContent).toContain("<img src=x onerror=alert(1)>");
  expect(formulaOf(at("formula"))).toContain("<img");
});

test("what is typed is not rewritten by updates, is committed by Enter, and dropped by Esc", async () => {
  const { at, model } = mount("full");
  const field = at("formula");
  const before = formulaOf(field);
  field.focus();
  type(field, "mathach ~ ses + (1 | school)");
  await settle();
  model.set("fit", { ...(model.get("fit") as object) });
  model.set("setup", { ...(model.get("setup") as object), formula: "mathach ~ 1" });
  await settle();
  expect(formulaOf(field)).toBe("mathach ~ ses + (1 | school)");
  expect(at("status").textContent).toContain("The model changed while you typed");
  press(field, "Escape");
  await settle();
  expect(formulaOf(field)).toBe("mathach ~ 1");
  expect(before).not.toBe("mathach ~ 1");
  type(field, "mathach ~ ses + (1 | school)");
  press(field, "Enter");
  await settle();
  expect(model.asked).toEqual([{ type: "set_formula", text: "mathach ~ ses + (1 | school)" }]);
  expect(document.activeElement).toBe(field);
});

test("a formula error points, keeps what was typed, and Tab puts the fix in", async () => {
  const { at, find, model, el } = mount("full");
  const field = at("formula");
  field.focus();
  type(field, "mathach ~ secter + (1 | school)");
  press(field, "Enter");
  await settle();
  expect(formulaOf(field)).toBe("mathach ~ secter + (1 | school)");
  expect(at("formula-error").textContent).toContain("There is no column “secter” in hsb");
  expect(el.querySelector("span[data-wrong] [data-role]")?.textContent).toBe("secter");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(find("problem")).toBeNull();
  expect(at("fixed-table").textContent).toContain("2.94");
  press(field, "Tab");
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "set_formula", text: "mathach ~ sector + (1 | school)" });
  expect(find("formula-error")).toBeNull();
});

test("an action Python refuses is said in words, can be dismissed, and goes with the next that works", async () => {
  const { at, find, model } = mount("full");
  model.refusal = { message: "That cannot be done.", hint: "Try this." };
  at("criterion-ml").click();
  await settle();
  expect(at("problem").textContent).toContain("That cannot be done. Try this.");
  expect(at("criterion-reml").getAttribute("aria-checked")).toBe("true");
  at("problem-close").click();
  await settle();
  expect(find("problem")).toBeNull();
  at("criterion-ml").click();
  await settle();
  expect(find("problem")).not.toBeNull();
  model.refusal = null;
  at("criterion-ml").click();
  await settle();
  expect(find("problem")).toBeNull();
});

test("Delete on a chip removes it and the focus goes to its neighbour", async () => {
  const { at, model } = mount("full");
  at("predictor-meanses").focus();
  press(at("predictor-meanses"), "Delete");
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "remove_predictor", id: "meanses" });
  expect(document.activeElement).toBe(at("predictor-sector"));
});

test("the last chip's focus goes to the button that adds", async () => {
  const { at } = mount("full");
  at("group-school-remove").focus();
  at("group-school-remove").click();
  await settle();
  expect(document.activeElement).not.toBe(document.body);
});

test("tabs rove: one tab stop, arrows move and choose", async () => {
  const { at, el } = mount("full");
  at("tab-summary").focus();
  press(at("tab-summary"), "ArrowLeft");
  await settle();
  expect(document.activeElement).toBe(at("tab-code"));
  expect(at("panel-code").textContent).toContain("library(lme4)");
  expect(el.querySelectorAll("[role=tab][tabindex='0']")).toHaveLength(1);
  press(at("tab-code"), "Home");
  await settle();
  expect(at("tab-summary").getAttribute("aria-selected")).toBe("true");
});

test("the ticked boxes and locked cells say what they are", async () => {
  const { at, el, model } = mount("full");
  expect(el.querySelector(".mlm-locked")?.textContent).toContain("No slope: constant within school");
  at("slope-school-within(ses, school)").click();
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "set_slope", group: "school", term: "within(ses, school)", on: false });
  expect(at("correlated-school").getAttribute("aria-disabled")).toBe("true");
});

test("charts are drawn again for a new spec and a new theme, and freed at the end", async () => {
  const { at, model, runtime, cleanup } = mount("full");
  at("tab-coefficients").click();
  await settle();
  at("show-intercept").click();
  await settle();
  expect(at("chart-coefficients").dataset.drawn).toBe("2");
  document.body.dataset.jpThemeLight = "false";
  await settle();
  expect(at("chart-coefficients").dataset.drawn).toBe("3");
  expect(runtime.draw.mock.lastCall?.[2]).toMatchObject({ scheme: "dark" });
  document.body.className = "something-else";
  await settle();
  expect(at("chart-coefficients").dataset.drawn).toBe("3");
  delete document.body.dataset.jpThemeLight;
  cleanup();
  expect(runtime.finalized).toHaveBeenCalledTimes(3);
  expect(model.listenerCount()).toBe(0);
});

test("where there is nothing to draw Python's words stand there", async () => {
  const { at, model } = mount("full");
  model.set("chart_predictions", { message: "There is no predictor to draw along." });
  at("tab-predictions").click();
  await settle();
  expect(at("chart-predictions").textContent).toContain("There is no predictor to draw along.");
});

test("a host without widget references says so where the chart would be", async () => {
  const { at } = mount("full", { host: false });
  at("tab-random").click();
  await settle();
  expect(at("chart-caterpillar").textContent).toContain("anywidget 0.11");
});

test("two builders on a page share no id", () => {
  mount("full");
  mount("full");
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the folded setup says the model in one line", async () => {
  const { at, find } = mount("full");
  at("fold").click();
  await settle();
  expect(find("outcome")).toBeNull();
  expect(at("unfold").textContent).toContain("3 predictors");
  at("unfold").click();
  await settle();
  expect(find("outcome")).not.toBeNull();
});

test.each([
  ["empty", "Choose an outcome"],
  ["running", "Fitting"],
  ["failed", "Every school has one row"],
  ["stale", "Not fitted yet"],
  ["singular", "At the boundary"],
  ["wrong", "Formula not understood"],
])("the status of %s says %s", (scene, words) => {
  expect(mount(scene).at("status").textContent).toContain(words);
});

test("typed grid values are checked in words before Python is asked", async () => {
  const { at, model, el } = mount("full");
  at("tab-predictions").click();
  await settle();
  at("values-meanses-given").click();
  await settle();
  const field = at("values-meanses-text");
  type(field, "0, x");
  await settle();
  press(field, "Enter");
  expect(el.textContent).toContain("“x” is not a number");
  expect(model.asked).toEqual([]);
  type(field, "0; \u22120.5");
  await settle();
  press(field, "Enter");
  await settle();
  expect(model.asked.at(-1)).toEqual({
    type: "view_predictions",
    values: { meanses: { mode: "given", text: "0, -0.5" } },
  });
});
