import { expect, test } from "vitest";
import theme from "../../mlm_widgets/plots/theme.json";
import { retheme } from "../src/core/retheme";

const { light, dark } = theme;

test("the tokens of both themes are the same, and light colours are all different", () => {
  expect(Object.keys(light)).toEqual(Object.keys(dark));
  expect(new Set(Object.values(light)).size).toBe(Object.keys(light).length);
});

test("colours are swapped wherever they stand, in any case, but never in data", () => {
  const spec = {
    data: { values: [{ school: light.accent }] },
    datasets: { a: [{ c: light.ink }] },
    config: { axis: { labelColor: light.ink2.toUpperCase() } },
    layer: [{ mark: { color: light.accent }, encoding: { color: { scale: { range: [light.accent, light.pick] } } } }],
    title: "no colour",
    width: 300,
  };
  expect(retheme(spec, "dark", "#101010")).toEqual({
    data: { values: [{ school: light.accent }] },
    datasets: { a: [{ c: light.ink }] },
    config: { axis: { labelColor: dark.ink2 } },
    layer: [{ mark: { color: dark.accent }, encoding: { color: { scale: { range: [dark.accent, dark.pick] } } } }],
    title: "no colour",
    width: 300,
  });
});

test("halos take the colour the host shows", () => {
  expect(retheme({ stroke: light.background }, "dark", "#1e1e1e")).toEqual({ stroke: "#1e1e1e" });
  expect(retheme({ stroke: light.background }, "light", "#fffff0")).toEqual({ stroke: "#fffff0" });
});

test("light leaves every other colour as it is", () => {
  const spec = { mark: { color: light.accent }, other: "#123456" };
  expect(retheme(spec, "light", "#ffffff")).toEqual(spec);
});
