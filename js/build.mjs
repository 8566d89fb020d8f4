// Builds the committed bundle: core.js (Vega), builder.js, chart.js, builder.css and the licences of what is inside.
// `npm run build` writes to the Python package; OUTDIR=/some/folder writes elsewhere, for the test that compares.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(here, process.env.OUTDIR ?? "../mlm_widgets/widgets/static");

const shared = {
  absWorkingDir: here,
  outdir,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
  logLevel: "warning",
};

function packagesOf(inputs) {
  const names = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

async function licenceOf(name) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? (await readFile(join(folder, file), "utf8")).trim() : "";
  return `${name} ${version} (${license})\n\n${text}`.trim();
}

const results = [
  await build({ ...shared, entryPoints: { core: "src/core.ts" } }),
  await build({ ...shared, entryPoints: { builder: "src/builder.tsx" } }),
  await build({ ...shared, entryPoints: { chart: "src/chart.ts" } }),
  await build({ ...shared, entryPoints: { builder: "src/style/builder.css" } }),
];
const inputs = results.flatMap((result) => Object.keys(result.metafile.inputs));
const licences = await Promise.all(packagesOf(inputs).map(licenceOf));
await mkdir(outdir, { recursive: true });
await writeFile(join(outdir, "LICENSES.txt"), `${licences.join(`\n\n${"-".repeat(78)}\n\n`)}\n`);
for (const [path, { bytes }] of results.flatMap((result) => Object.entries(result.metafile.outputs))) {
  console.log(`${resolve(here, path)} ${(bytes / 1024).toFixed(1)} KB`);
}
