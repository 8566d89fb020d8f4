/** How a widget reaches the shared runtime, which another widget of the notebook holds. */
import type { Runtime } from "./draw";

export interface Host {
  getWidget(ref: unknown): Promise<{ exports: unknown }>;
}

interface Holder {
  get(name: string): unknown;
}

export async function openRuntime(host: Host | undefined, model: Holder): Promise<Runtime> {
  if (!host) throw new Error("this notebook's widget support is too old (anywidget 0.11 or newer is needed).");
  const { exports } = await host.getWidget(model.get("_runtime"));
  return exports as Runtime;
}
