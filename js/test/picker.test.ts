import { expect, test } from "vitest";
import { firstUsable, matches, moved, type Option } from "../src/controls/options";
import { mount, press, settle, type } from "./mount";

const OPTIONS: Option[] = [
  { id: "school", label: "school", problem: "Too many" },
  { id: "ses", label: "ses" },
  { id: "meanses", label: "meanses" },
  { id: "sector", label: "sector" },
];
const ids = (options: Option[]) => options.map(({ id }) => id);

test("what starts with the word comes first, what cannot be chosen last", () => {
  expect(ids(matches(OPTIONS, "SES"))).toEqual(["ses", "meanses"]);
  expect(ids(matches(OPTIONS, "s"))).toEqual(["ses", "sector", "meanses", "school"]);
  expect(ids(matches(OPTIONS, " "))).toEqual(ids(OPTIONS));
  expect(matches(OPTIONS, "zzz")).toEqual([]);
});

test.each([
  ["ArrowDown", 3, 0],
  ["ArrowUp", 0, 3],
  ["Home", 2, 0],
  ["End", 0, 3],
  ["PageDown", 0, 3],
  ["a", 0, null],
])("%s from %s goes to %s of four", (key, at, to) => expect(moved(key, at, 4)).toBe(to));

test("a list opens at the chosen row, else at the first that can be chosen", () => {
  expect(firstUsable(OPTIONS, "sector")).toBe(3);
  expect(firstUsable(OPTIONS)).toBe(1);
});

test("an outcome is chosen with the keyboard alone, and the focus returns to its button", async () => {
  const { at, find, model } = mount("empty");
  at("outcome").focus();
  press(at("outcome"), "ArrowDown");
  await settle();
  const search = at("search");
  expect(document.activeElement).toBe(search);
  expect(search.getAttribute("aria-activedescendant")).toBeTruthy();
  type(search, "math");
  await settle();
  press(at("search"), "Enter");
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "set_outcome", column: "mathach" });
  expect(find("outcome-list")).toBeNull();
  expect(document.activeElement).toBe(at("outcome"));
});

test("a column that cannot be chosen stays, says why, and Enter does nothing", async () => {
  const { at, model, el } = mount("empty");
  at("outcome").click();
  await settle();
  type(at("search"), "sector");
  await settle();
  const option = el.querySelector("[data-mlm-option=sector]");
  expect(option?.getAttribute("aria-disabled")).toBe("true");
  expect(option?.textContent).toContain("a gaussian outcome is a number");
  press(at("search"), "ArrowDown");
  await settle();
  press(at("search"), "Enter");
  await settle();
  expect(model.asked).toEqual([]);
});

test("Esc closes the list and gives the focus back", async () => {
  const { at, find } = mount("full");
  at("add-predictor").click();
  await settle();
  press(at("search"), "Escape");
  await settle();
  expect(find("add-predictor-list")).toBeNull();
  expect(document.activeElement).toBe(at("add-predictor"));
});

test("a short list is chosen from by letter and arrows", async () => {
  const { at, el, model } = mount("full");
  at("option-ses").click();
  await settle();
  const list = el.querySelector("[role=listbox]") as HTMLElement;
  expect(document.activeElement).toBe(list);
  press(list, "g");
  await settle();
  expect(el.querySelector("[data-active]")?.textContent).toContain("grand mean");
  press(list, "Enter");
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "set_option", id: "ses", value: "grand" });
});

test("two predictors are ticked with Space and multiplied with Enter", async () => {
  const { at, el, model } = mount("full");
  at("add-interaction").click();
  await settle();
  const list = el.querySelector("[role=listbox]") as HTMLElement;
  press(list, " ");
  await settle();
  press(list, "ArrowDown");
  await settle();
  press(list, " ");
  await settle();
  press(list, "Enter");
  await settle();
  expect(model.asked.at(-1)).toEqual({ type: "add_interaction", ids: ["ses", "meanses"] });
});
