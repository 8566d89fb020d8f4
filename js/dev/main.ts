/** The harness page: ?scene=full&width=980&theme=light|dark&host=lab|none&python=on|off */
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
const model = createModel(query.get("python") !== "off");
SCENES[query.get("scene") ?? "full"]?.(model);
const runtime = core.initialize();
builder.render({ model, el, host: { getWidget: async () => ({ exports: runtime }) } });
Object.assign(window, { model });
