import { afterEach, describe, expect, test } from "vitest";
import { contrast, parseColor } from "../src/style/color";
import { paletteOf, schemeOf } from "../src/style/hostScheme";
import { choosePalette, PROMISED, ratioOf, TABLE } from "../src/style/palette";

// What hosts say, from their own style sheets.
const HOSTS = {
  "JupyterLab light": [
    "light",
    {
      "--jp-layout-color1": "#ffffff",
      "--jp-ui-font-color1": "#212121",
      "--jp-ui-font-color2": "#757575",
      "--jp-brand-color1": "#1976d2",
    },
  ],
  "JupyterLab dark": [
    "dark",
    {
      "--jp-layout-color1": "#212121",
      "--jp-ui-font-color1": "#ffffff",
      "--jp-ui-font-color2": "#b3b3b3",
      "--jp-brand-color1": "#2196f3",
    },
  ],
  "JupyterLab high contrast": [
    "dark",
    { "--jp-layout-color1": "#000000", "--jp-ui-font-color1": "#ffffff", "--jp-brand-color1": "#ffff00" },
  ],
  "VS Code dark": [
    "dark",
    {
      "--vscode-editor-background": "#1e1e1e",
      "--vscode-editor-foreground": "#d4d4d4",
      "--vscode-textLink-foreground": "#3794ff",
    },
  ],
  "Solarized light": [
    "light",
    { "--jp-layout-color1": "#fdf6e3", "--jp-ui-font-color1": "#657b83", "--jp-brand-color1": "#b58900" },
  ],
  Monokai: ["dark", { "--vscode-editor-background": "#272822", "--vscode-editor-foreground": "#f8f8f2" }],
  nothing: ["light", {}],
} as const;

describe.each(Object.entries(HOSTS))("%s", (_, [scheme, properties]) => {
  const said: Record<string, string> = properties;
  const { colors } = choosePalette(scheme, (name) => said[name] ?? null);
  test.each(PROMISED)("%s on %s keeps a contrast of %s", (token, behind, least) => {
    expect(ratioOf(colors, token, behind)).toBeGreaterThanOrEqual(least - 0.05);
  });
});

test("the tables themselves keep every promise", () => {
  for (const colors of Object.values(TABLE)) {
    for (const [token, behind, least] of PROMISED) expect(ratioOf(colors, token, behind)).toBeGreaterThanOrEqual(least);
  }
});

test("without a host the table is used as it stands", () => {
  expect(choosePalette("dark", () => null).colors).toEqual(TABLE.dark);
});

test("a host's colour wins where it keeps the contrast", () => {
  const said: Record<string, string> = { "--jp-layout-color1": "#ffffff", "--jp-brand-color1": "#6200aa" };
  expect(choosePalette("light", (name) => said[name] ?? null).colors.accent).toBe("#6200aa");
});

test("colours are read as hosts write them", () => {
  expect(parseColor("#fff")?.rgb).toEqual([255, 255, 255]);
  expect(parseColor("rgba(0, 0, 0, 0.54)")).toEqual({ rgb: [0, 0, 0], alpha: 0.54 });
  expect(parseColor("rgb(18 52 86 / 0.5)")).toEqual({ rgb: [18, 52, 86], alpha: 0.5 });
  expect(parseColor("oklch(0.5 0.1 200)")).toBeNull();
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
});

describe("light or dark", () => {
  const el = document.createElement("div");
  document.body.append(el);
  afterEach(() => {
    delete document.body.dataset.jpThemeLight;
    delete document.body.dataset.vscodeThemeKind;
    document.body.className = "";
    document.body.style.background = "";
  });

  test("JupyterLab says it on the body", () => {
    document.body.dataset.jpThemeLight = "false";
    expect(schemeOf(el)).toBe("dark");
    document.body.dataset.jpThemeLight = "true";
    expect(schemeOf(el)).toBe("light");
  });
  test("VS Code says it on the body", () => {
    document.body.dataset.vscodeThemeKind = "vscode-dark";
    expect(schemeOf(el)).toBe("dark");
    document.body.dataset.vscodeThemeKind = "vscode-high-contrast-light";
    expect(schemeOf(el)).toBe("light");
  });
  test("a class says it in marimo", () => {
    document.body.className = "dark dark-theme";
    expect(schemeOf(el)).toBe("dark");
  });
  test("otherwise the ground under the widget tells, through a shadow root", () => {
    document.body.style.background = "rgb(20, 20, 20)";
    const inner = document.createElement("div");
    el.attachShadow({ mode: "open" }).append(inner);
    expect(schemeOf(inner)).toBe("dark");
    expect(paletteOf(inner).scheme).toBe("dark");
  });
});
