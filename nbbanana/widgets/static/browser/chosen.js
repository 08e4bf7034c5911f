// What is done with the selected edits.

import { button, files, fill, h } from "../shared/dom.js";

/** @param {any} form what the parts share @param {any} tiles */
export function makeChosen(form, tiles) {
  const { state } = form;
  const many = h("strong.nbb-figures");
  const hint = h("span.nbb-quiet", {}, "Select: Space or Ctrl+click");
  const mark = (kind) => form.say(kind, { numbers: [...state.chosen], on: true });
  const clear = () => {
    state.chosen.clear();
    tiles.dress();
    form.chose();
  };
  const compare = button("Compare", "compare", () => form.say("compare", { pictures: [...state.chosen].map((edit) => [edit, 0]) }), { title: "The first pictures of two to six selected edits", key: "c" });
  const element = h(
    "div.br-chosen.nbb-bar",
    { role: "group", "aria-label": "The selected edits" },
    hint,
    many,
    button("Clear the selection", "cross", clear, { bare: true }),
    compare,
    button("Star", "star", () => mark("star")),
    button("Reject", "cross", () => mark("reject")),
    files(button("Contact sheet", "sheet", () => form.say("sheet"), { title: "One JPEG with their pictures, in the notebook's folder" })),
    files(button("Export", "save", () => form.say("export"), { title: "One file with their records and pictures, in the notebook's folder" })),
    button("Download", "save", () => form.say("download"), { title: "The same file, into this web browser's downloads" }),
  );
  return {
    element,
    /** Compare the selected edits, or, without any, the picture that is looked at with its input. */
    compare: () => !compare.disabled && !compare.hidden && compare.click(),
    draw() {
      fill(many, state.chosen.size ? `${state.chosen.size} selected` : "");
      hint.hidden = state.chosen.size > 0;
      for (const one of element.querySelectorAll("button")) one.hidden = state.chosen.size === 0;
      compare.hidden ||= !state.acts.has("compare");
      compare.disabled = state.chosen.size < 2 || state.chosen.size > 6;
    },
  };
}
