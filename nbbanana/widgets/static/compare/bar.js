// The line above the pictures: the way of comparing, which pictures, and how close.

import { button, fill, h } from "../shared/dom.js";
import { percent } from "../shared/view.js";
import { letter } from "./words.js";

/** The ways of comparing, with their names. */
export const WAYS = [
  ["slider", "Slider"],
  ["side", "Side by side"],
  ["flicker", "Flicker"],
  ["difference", "Difference"],
];
/** How many times stronger than it is a difference is shown. */
const GAINS = [1, 2, 4, 8];

/** @param {any} form what the parts share @param {any} stage @param {any} act what the controls do */
export function makeBar(form, stage, act) {
  const { state } = form;
  const ways = WAYS.map(([way, name], place) => h("button", { type: "button", "data-way": way, "aria-pressed": "false", "aria-keyshortcuts": String(place + 1), onclick: () => act.way(way) }, name));
  const left = h("select", { "aria-label": "Left picture", onchange: () => act.pair(Number(left.value), state.right) });
  const right = h("select", { "aria-label": "Right picture", onchange: () => act.pair(state.left, Number(right.value)) });
  const pair = h("span.cp-pair.nbb-row", { hidden: true }, left, h("span.nbb-quiet", {}, "with"), right);
  const scale = h("output.cp-scale.nbb-figures", { "aria-label": "Scale of the left picture" });
  const whole = button("Whole", null, () => stage.whole(), { key: "0" });
  const play = button("Pause", null, () => act.play(), { boxed: true });
  const next = button("Next", null, () => act.next(), { boxed: true, key: "Space" });
  const gain = h("select", { "aria-label": "Strength of the difference", onchange: () => act.gain(Number(gain.value)) }, GAINS.map((times) => h("option", { value: String(times) }, times === 1 ? "as it is" : `${times}× stronger`)));
  const heat = h("button.nbb-boxed", { type: "button", "aria-pressed": "false", "aria-keyshortcuts": "h", title: "Lay over the right picture where it changed", onclick: () => act.heat() }, "Heat map");
  const zooms = h(
    "span.cp-zooms.nbb-row",
    { role: "group", "aria-label": "Zoom" },
    h("button.nbb-icon", { type: "button", "aria-label": "Zoom out", "aria-keyshortcuts": "-", onclick: () => stage.zoom(1 / 1.5) }, "−"),
    scale,
    h("button.nbb-icon", { type: "button", "aria-label": "Zoom in", "aria-keyshortcuts": "+", onclick: () => stage.zoom(1.5) }, "+"),
    whole,
    button("1:1", null, () => stage.exact(), { title: "True pixels of the larger picture", key: "o" }),
  );
  const enlarge = button("Enlarge", "search", () => form.enlarge(state.left), { key: "Enter", title: "See the left picture large, with Save and Download" });
  const swap = button("Swap", "vary", () => act.swap(), { key: "x" });
  const element = h(
    "header.cp-bar.nbb-bar",
    {},
    h("h2", {}, "Compare"),
    h("div.cp-ways.nbb-segments", { role: "group", "aria-label": "Way of comparing" }, ways),
    h("div.cp-extra.nbb-row", {}, pair, play, next, gain, heat),
    h("div.cp-tools.nbb-row.nbb-end", {}, zooms, enlarge, swap),
  );

  return {
    element,
    /** Another set of pictures. */
    fill() {
      const options = () => form.data.sides.map((side, number) => h("option", { value: String(number) }, `${letter(number)} ${side.label}`));
      fill(left, options());
      fill(right, options());
      pair.hidden = form.data.sides.length < 3;
      enlarge.hidden = !form.data.sides.some(({ output }) => output);
      this.draw();
    },
    draw() {
      for (const one of ways) one.setAttribute("aria-pressed", String(one.dataset.way === state.way));
      left.value = String(state.left);
      right.value = String(state.right);
      play.hidden = state.way !== "flicker" || state.isStill;
      next.hidden = state.way !== "flicker";
      gain.hidden = state.way !== "difference";
      gain.value = String(state.gain);
      heat.hidden = state.way === "difference" || form.figures()?.is_hot === false;
      heat.setAttribute("aria-pressed", String(state.isHot));
      fill(play, state.isPlaying ? "Pause" : "Play");
      fill(scale, percent(stage.scale()));
    },
  };
}
