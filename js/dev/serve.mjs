// Serves the harness page on this machine only: npm run dev, then open the address it prints.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const page = await context({
  absWorkingDir: here,
  entryPoints: { main: "main.ts", builder: "../src/style/builder.css" },
  outdir: "out",
  bundle: true,
  write: false,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "inline",
});
const { port } = await page.serve({ host: "127.0.0.1", port: Number(process.env.PORT ?? 8123), servedir: here });
console.log(`http://127.0.0.1:${port}/?scene=full&theme=light&width=980`);
