/** Is the host light or dark, and what are its colours? Read from the page, watched for change. */
import type { Scheme } from "../core/scheme";
import { luminance, mix, parseColor, toHex } from "./color";
import { choosePalette, type Palette } from "./palette";

function declaredScheme(page: Document): Scheme | null {
  const { body, documentElement: html } = page;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  const vscode = body.dataset.vscodeThemeKind;
  if (vscode) return /dark|high-contrast$/.test(vscode) ? "dark" : "light";
  const said = [html, body].flatMap((node) => [node.getAttribute("theme"), node.dataset.theme, ...node.classList]);
  if (said.some((word) => word === "dark" || word === "dark-theme")) return "dark";
  if (said.some((word) => word === "light" || word === "light-theme")) return "light";
  return null;
}

function parentOf(node: Node): Node | null {
  return node.parentNode instanceof ShadowRoot ? node.parentNode.host : node.parentNode;
}

// The ground on which the widget stands; its own colour says nothing.
function schemeBehind(el: Element): Scheme | null {
  for (let node: Node | null = parentOf(el); node instanceof Element; node = parentOf(node)) {
    const color = parseColor(getComputedStyle(node).backgroundColor);
    if (color && color.alpha > 0.5) return luminance(color.rgb) < 0.2 ? "dark" : "light";
  }
  return null;
}

function preferred(): Scheme {
  return typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function schemeOf(el: Element): Scheme {
  return declaredScheme(el.ownerDocument) ?? schemeBehind(el) ?? preferred();
}

/** A custom property of the host as an opaque hex colour, laid over the panel's if it is translucent. */
function reader(el: HTMLElement, scheme: Scheme): (property: string) => string | null {
  const style = getComputedStyle(el);
  const panel =
    parseColor(style.getPropertyValue("--jp-layout-color1"))?.rgb ??
    (scheme === "dark" ? [27, 29, 32] : [255, 255, 255]);
  return (property) => {
    const color = parseColor(style.getPropertyValue(property));
    return color ? toHex(mix(color.rgb, panel as [number, number, number], color.alpha)) : null;
  };
}

export function paletteOf(el: HTMLElement): Palette {
  const scheme = schemeOf(el);
  return choosePalette(scheme, reader(el, scheme));
}

/** Puts the palette on the root as custom properties. */
export function applyPalette(root: HTMLElement, palette: Palette): void {
  root.dataset.scheme = palette.scheme;
  for (const [token, color] of Object.entries(palette.colors)) root.style.setProperty(`--mlm-${token}`, color);
}

export function watchHost(onChange: () => void, signal: AbortSignal): void {
  const observer = new MutationObserver(onChange);
  const options = {
    attributes: true,
    attributeFilter: [
      "class",
      "style",
      "theme",
      "data-theme",
      "data-jp-theme-light",
      "data-jp-theme-name",
      "data-vscode-theme-kind",
    ],
  };
  observer.observe(document.body, options);
  observer.observe(document.documentElement, options);
  signal.addEventListener("abort", () => observer.disconnect());
  if (typeof matchMedia === "function") {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange, { signal });
  }
}
