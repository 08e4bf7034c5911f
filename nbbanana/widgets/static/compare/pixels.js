// What changed between the pixels of the two pictures: a sentence, figures beside their noise, and the heat map's switch.

import { fill, h } from "../shared/dom.js";
import { badge, letter } from "./words.js";

/** @param {any} form what the parts share: `state` with the pair, `measured` with what Python said of each */
export function makePixels(form) {
  const { state } = form;
  const pair = h("span.cp-arrow");
  const sentence = h("span", { dir: "auto" });
  const status = h("p.cp-sentence", { role: "status" }, pair, " ", sentence);
  const table = h("div.cp-table.cp-figures");
  const scale = h("img.cp-scale-of-heat", { alt: "to", width: "64", height: "6" });
  const legend = h("p.cp-heat-legend.nbb-quiet.nbb-small", { hidden: true }, "as it was ", scale, " another picture");
  const element = h("section.cp-pixels", { "aria-label": "What changed in the pixels" }, h("div", {}, status, legend), table);

  const value = (one) => [h(one.is_above ? "strong" : "span", {}, one.said), " ", h("span.nbb-quiet.nbb-small", {}, one.noise)];

  /** A row of figures; what is said of the whole pair reaches over all columns. */
  function row({ name, values }, columns) {
    const reach = values.length < columns ? String(columns) : null;
    return h("tr", {}, h("th", { scope: "row" }, name), values.map((one) => h("td", { colspan: reach }, one ? value(one) : h("span.nbb-quiet", {}, "all of it redrawn"))));
  }

  function drawFigures({ heads = [], rows = [] }) {
    const head = heads.length > 1 ? h("thead", {}, h("tr", {}, h("td"), heads.map((one) => h("th", { scope: "col" }, one)))) : null;
    fill(table, rows.length ? h("table", {}, head, h("tbody", {}, rows.map((one) => row(one, heads.length)))) : null);
  }

  return {
    element,
    draw() {
      const { left, right } = state;
      const said = form.figures();
      fill(pair, badge(left), h("span", { "aria-hidden": "true" }, " → "), h("span.nbb-unseen", {}, " to "), badge(right));
      fill(sentence, said ? said.sentence : `Measuring what changed from ${letter(left)} to ${letter(right)}…`);
      element.toggleAttribute("aria-busy", !said);
      drawFigures(said ?? {});
      legend.hidden = !state.isHot || !form.heatKey();
      if (form.scale) scale.src = form.scale;
    },
  };
}
