// The ranking, where it is asked for: places with their pictures, and which values of the axes win.

import { fill, h } from "../shared/dom.js";

/**
 * @param {any} pictures the album of the form
 * @param {(name: string) => void} want asks for the small copy of a picture
 */
export function makeRanking(pictures, want) {
  const element = h("div.vt-ranking", { hidden: true });
  const row = (one) => {
    const image = h("img.vt-small", { alt: "" });
    pictures.show(image, `${one.name} small`);
    want(one.name);
    return h("tr", {}, h("td.nbb-figures", {}, one.place), h("td", {}, image), h("td.vt-title", {}, one.title), h("td.nbb-figures", {}, one.strength), h("td.nbb-figures", {}, one.tally));
  };
  return {
    element,
    draw({ rows, axes, more }) {
      const names = ["Place", "Picture", "What it is", "Strength", "Won · lost · tied"];
      const head = h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));
      const table = h("table", {}, head, h("tbody", {}, rows.map(row)));
      const values = axes.map(([axis, found]) => h("p", {}, h("strong", {}, axis), `: ${found.map(([name, words]) => `${name} (${words})`).join(", ")}`));
      fill(element, h("div.vt-scroll", { tabindex: "0", role: "group", "aria-label": "The ranking" }, table), more > 0 && h("p.nbb-quiet", {}, `${more} more are in sweep.ranking.`), values);
    },
  };
}
