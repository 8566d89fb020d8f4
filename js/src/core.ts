/** The shared runtime widget: carries Vega once a notebook; other widgets reach it by `host.getWidget`. */
import { draw, type Runtime } from "./core/draw";

const runtime: Runtime = { draw };

export default {
  initialize: () => runtime,
};
