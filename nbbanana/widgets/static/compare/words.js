// What differs, in words: the two prompts as one, a table of what else is unlike, and what changed between the pixels.

import { fill, h } from "../shared/dom.js";

/** The letter of a picture. @param {number} number */
export function letter(number) {
  return "ABCDEF"[number];
}

/** A letter in its box. @param {number} number */
export function badge(number) {
  return h("b.cp-letter", {}, letter(number));
}

/** @param {any} form what the parts share: `state` with the pair, `data` with what Python said */
export function makeWords(form) {
  const prompt = h("p.cp-prompt", { dir: "auto" });
  const legend = h("p.cp-legend.nbb-quiet.nbb-small");
  const table = h("div.nbb-scroll");
  const same = h("p.nbb-quiet.nbb-small.cp-same");
  const element = h("section.cp-words", { "aria-label": "What differs" }, h("div.cp-said", {}, prompt, legend), h("div.cp-facts", {}, table, same));

  function drawPrompt() {
    const { left, right } = form.state;
    const pieces = form.data.words[`${left}-${right}`] ?? [];
    const isUnlike = pieces.some(([kind]) => kind !== "same");
    fill(prompt, pieces.map(([kind, text]) => (kind === "same" ? text : h(kind === "gone" ? "del" : "ins", {}, text))));
    const own = pieces.filter(([kind]) => kind === "left" || kind === "right");
    if (own.length) {
      fill(prompt, own.map(([kind, text]) => h("span.cp-own", {}, badge(kind === "left" ? left : right), " ", text)));
      const [made, from] = own.length === 1 && own[0][0] === "left" ? [left, right] : [right, left];
      const isMade = form.data.made.includes(`${left}-${right}`);
      fill(legend, isMade ? `${letter(made)} was made from ${letter(from)}.` : own.length === 2 ? "The prompts have little in common." : "");
    } else if (!pieces.length) fill(legend, "These pictures have no prompts.");
    else if (!isUnlike) fill(legend, "The same words.");
    else fill(legend, h("span", {}, h("del", {}, "only in"), " ", badge(left)), h("span", {}, h("ins", {}, "only in"), " ", badge(right)));
  }

  function drawTable() {
    const { sides, rows } = form.data;
    const head = h("tr", {}, h("td"), sides.map((side, number) => h("th", { scope: "col" }, badge(number), " ", h("span.nbb-mono", {}, side.label))));
    const body = rows.map(([name, values]) => h("tr", {}, h("th", { scope: "row" }, name.replaceAll("_", " ")), values.map((value) => h("td", {}, value))));
    fill(table, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
    fill(same, form.data.same.length ? `The same: ${form.data.same.join(", ")}.` : "");
    same.hidden = form.data.same.length === 0;
  }

  return {
    element,
    draw() {
      drawPrompt();
      drawTable();
    },
    drawPrompt,
  };
}

/** @param {any} form what the parts share: `state` with the pair, `measured` with what Python said of each */
export function makePixels(form) {
  const { state } = form;
  const pair = h("span.cp-arrow");
  const sentence = h("span", { dir: "auto" });
  const status = h("p.cp-sentence", { role: "status" }, pair, " ", sentence);
  const table = h("div.nbb-scroll.cp-figures");
  const scale = h("img.cp-scale-of-heat", { alt: "to", width: "64", height: "6" });
  const legend = h("p.cp-heat-legend.nbb-row.nbb-quiet.nbb-small", { hidden: true }, "as it was ", scale, " another picture");
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
