// The region of the form: a line that says it in words, and its outline on the input picture.

import { button, fill, h, icon, svg } from "../shared/dom.js";

/**
 * @param {any} form what the parts of the Studio share
 * @param {(words: string) => void} insert puts words into the prompt at the caret
 */
export function makePointed(form, insert) {
  const words = h("span.st-region-words");
  const mask = button("Send as the mask", "input", () => form.say("set", { name: mask.dataset.field, value: "region" }), { title: "White is repainted, black stays" });
  let said = "";
  const element = h(
    "div.st-region.nbb-row.nbb-small",
    { role: "group", "aria-label": "Region", hidden: true },
    icon("region"),
    words,
    h("span.st-region-acts.nbb-row.nbb-end", {}, button("Add to the prompt", null, () => insert(said), { boxed: true }), mask, button("Remove the region", "cross", () => form.say("unpoint"), { bare: true })),
  );
  return {
    element,
    update(state) {
      element.hidden = state.region === null;
      if (state.region === null) return;
      said = state.region.words;
      fill(words, h("b", {}, said), ` of ${state.region.name}. The model does not see this drawing: add its words to the prompt.`);
      mask.hidden = state.mask === null || state.values[state.mask] !== undefined;
      mask.dataset.field = state.mask ?? "";
    },
  };
}

/** The boxes of a region over a picture that fills its frame. */
export function outlineOf(slot, region) {
  if (!region || region.key !== slot.key || !slot.width) return null;
  const { width, height } = slot;
  const lines = region.boxes.map(([left, top, right, bottom]) => `M${left * width} ${top * height}H${right * width}V${bottom * height}H${left * width}Z`);
  const paths = ["rg-halo", "rg-shape is-chosen"].flatMap((kind) => lines.map((d) => svg("path", { class: kind, d })));
  return svg("svg", { class: "st-outline nbb-fill", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" }, ...paths);
}
