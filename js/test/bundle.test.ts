// @vitest-environment node
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const COMMITTED = join(ROOT, "../mlm_widgets/widgets/static");
let built: string;

beforeAll(() => {
  built = mkdtempSync(join(tmpdir(), "bundle-"));
  execFileSync(process.execPath, ["build.mjs"], { cwd: ROOT, env: { ...process.env, OUTDIR: built } });
});
afterAll(() => rmSync(built, { recursive: true }));

const FILES = ["LICENSES.txt", "builder.css", "builder.js", "chart.js", "core.js"];

test("the committed bundle is the one that is built from these sources", () => {
  expect(readdirSync(built).sort()).toEqual(FILES);
  for (const file of FILES) {
    const isSame = readFileSync(join(built, file), "utf8") === readFileSync(join(COMMITTED, file), "utf8");
    expect(isSame, `${file} is stale: run npm run build`).toBe(true);
  }
});

// Names of XML namespaces, and addresses in messages and menus that are switched off; none is ever asked for.
const HARMLESS =
  /^https?:\/\/(www\.w3\.org\/|github\.com\/vega\/vega-lite\/issues\/|vega\.github\.io\/(editor|schema)\/)/;

test.each(FILES.slice(1))("%s names no address that could be loaded", (file) => {
  const addresses = readFileSync(join(COMMITTED, file), "utf8").match(/https?:\/\/[^"'`\s)]+/g) ?? [];
  expect(addresses.filter((address) => !HARMLESS.test(address))).toEqual([]);
});

test("the style loads neither fonts nor other files", () => {
  expect(readFileSync(join(COMMITTED, "builder.css"), "utf8")).not.toMatch(/@import|@font-face|url\(/);
});

test("the builder is small, since every instance carries it; Vega is in the core alone", () => {
  expect(readFileSync(join(COMMITTED, "builder.js")).length).toBeLessThan(100_000);
  expect(readFileSync(join(COMMITTED, "builder.js"), "utf8")).not.toContain("vega-embed");
});
