import { expect, test } from "vitest";
import { decimalsFor, fixed, formatDf, formatP, formatStatistic, plural, short } from "../src/text/format";

test.each([
  [12.1136, 2, "12.11"],
  [-1.6426, 2, "\u22121.64"],
  [-0.001, 2, "0.00"],
  [46503.667, 1, "46,503.7"],
  [-23251.83, 1, "\u221223,251.8"],
  [Number.NaN, 2, "\u2013"],
  [Number.POSITIVE_INFINITY, 2, "\u221e"],
])("fixed(%s, %s) is %s", (value, digits, text) => expect(fixed(value, digits)).toBe(text));

test.each([
  [0.2, 2],
  [0.0155, 3],
  [0.00031, 5],
  [6.8, 2],
  [150, 1],
  [2200, 0],
  [0, 2],
  [Number.NaN, 2],
])("a standard error of %s asks for %s decimals", (error, digits) => expect(decimalsFor(error)).toBe(digits));

test.each([
  [1e-20, "< .001"],
  [0.0009, "< .001"],
  [0.0124, ".012"],
  [0.5, ".500"],
  [0.9999, "> .999"],
])("p = %s is written %s", (p, text) => expect(formatP(p)).toBe(text));

test("degrees of freedom: whole above ten, one decimal below, infinite for z", () => {
  expect([159.89, 17, 3.42, null].map(formatDf)).toEqual(["160", "17", "3.4", "\u221e"]);
});

test("statistics carry one decimal and a true minus", () => expect(formatStatistic(-6.85)).toBe("\u22126.9"));

test.each([
  [0, "0"],
  [12.1136, "12.1"],
  [-0.0123, "\u22120.0123"],
  [1280, "1,280"],
  [1.2e-6, "1.2e\u22126"],
])("short(%s) is %s", (value, text) => expect(short(value)).toBe(text));

test("one note, two notes", () => expect([plural(1, "note"), plural(2, "note")]).toEqual(["1 note", "2 notes"]));
