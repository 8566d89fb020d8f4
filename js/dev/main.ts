/** The harness page: ?scene=full&width=980&theme=light|dark&host=lab|none&python=on|off&shadow=1 */
import builder from "../src/builder";
import core from "../src/core";
import { createModel } from "./fakeModel";
import { SCENES } from "./scenes";

const query = new URLSearchParams(location.search);
const theme = query.get("theme") ?? "light";
if (query.get("host") === "lab") document.body.dataset.jpThemeLight = String(theme === "light");
document.documentElement.dataset.theme = theme;
const el = document.getElementById("widget") as HTMLElement;
el.style.width = `${query.get("width") ?? 980}px`;
// marimo puts widgets into a shadow root, style sheet included.
const isShadow = query.get("shadow") === "1";
const ground = isShadow ? el.attachShadow({ mode: "open" }) : el;
const mountPoint = document.createElement("div");
ground.append(mountPoint);
if (isShadow) ground.append(document.querySelector("link[rel=stylesheet]") as Node);
const model = createModel(query.get("python") !== "off");
SCENES[query.get("scene") ?? "full"]?.(model);
const runtime = core.initialize();
builder.render({ model, el: mountPoint, host: { getWidget: async () => ({ exports: runtime }) } });
Object.assign(window, { model });
