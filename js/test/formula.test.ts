import { describe, expect, test } from "vitest";
import { completionAt } from "../src/band/completion";
import { columnName, quoteName, tokenize } from "../src/formula/lexer";
import { columnAt, columnOfTerm, type Names, readFormula, unitsAt } from "../src/formula/roles";

const NAMES: Names = {
  columns: new Set(["mathach", "ses", "sector", "meanses", "school", "a b"]),
  groupLevel: new Set(["sector", "meanses", "school"]),
};
const HSB = "mathach ~ within(ses, school) * sector + (ses | school)";

const roles = (text: string) =>
  readFormula(text, NAMES)
    .filter(({ kind }) => kind === "name")
    .map(({ text: word, role }) => `${word}:${role}`);

test.each([
  HSB,
  "y ~ `a b` + I(x^2) + (0 + x || g)",
  "y ~ `never closed",
  "",
  "é ~ 数 + 😀",
  "y ~ log(x, 1e-3) + 'text'",
  "((((|",
])("tokens of %j cover the text without a gap", (text) => {
  expect(
    tokenize(text)
      .map((token) => token.text)
      .join(""),
  ).toBe(text);
});

test.each([
  [
    HSB,
    ["mathach:outcome", "within:function", "ses:name", "school:level2", "sector:level2", "ses:name", "school:group"],
  ],
  ["log(y) ~ x", ["log:function", "y:outcome", "x:name"]],
  ["y ~ (1 | a/b)", ["y:outcome", "a:group", "b:group"]],
  ["y ~ (x || g)", ["y:outcome", "x:name", "g:group"]],
  ["y ~ (x + z) * w", ["y:outcome", "x:name", "z:name", "w:name"]],
])("roles in %s", (text, expected) => expect(roles(text)).toEqual(expected));

test("only parentheses that hold a bar are bar terms", () => {
  const pieces = readFormula("y ~ (a + b) + (ses | school)", NAMES);
  const inBar = pieces.filter(({ bar }) => bar >= 0).map(({ text }) => text);
  expect(inBar.join("")).toBe("(ses | school)");
});

describe("which column the caret is at", () => {
  const pieces = readFormula(HSB, NAMES);
  test.each([
    ["in the function", HSB.indexOf("within") + 3, "ses"],
    ["behind its parenthesis", HSB.indexOf(")") + 1, "ses"],
    ["in a plain name", HSB.indexOf("sector") + 2, "sector"],
    ["in the outcome", 3, null],
    ["in the group", HSB.lastIndexOf("school") + 1, null],
    ["in a bar term", HSB.lastIndexOf("ses") + 1, "ses"],
  ])("%s", (_, caret, column) => expect(columnAt(pieces, caret)).toBe(column));
});

test("a term is about its column", () => {
  expect(columnOfTerm("within(ses, school)", NAMES)).toBe("ses");
  expect(columnOfTerm("`a b`", NAMES)).toBe("a b");
});

test("odd names are quoted and unquoted", () => {
  expect([quoteName("ses"), quoteName("a b"), columnName("`a b`")]).toEqual(["ses", "`a b`", "a b"]);
});

test("Python's characters become JavaScript's units", () => {
  expect(unitsAt("😀 ~ x", 4)).toBe(5);
  expect(unitsAt("y ~ x", 4)).toBe(4);
});

test("completion continues the word at the caret, quotes odd names, and stops when the word is whole", () => {
  expect(completionAt("mathach ~ me", 12, NAMES.columns)).toEqual({ from: 10, to: 12, names: ["meanses"] });
  expect(completionAt("mathach ~ a", 11, NAMES.columns)?.names).toEqual(["a b"]);
  expect(completionAt("mathach ~ ses", 13, NAMES.columns)).toBeNull();
  expect(completionAt("mathach ~ ", 10, NAMES.columns)).toBeNull();
});
