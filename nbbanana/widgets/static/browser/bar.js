// The line above: how many edits there are, a search, how they are sorted, and how large the tiles are.

import { count, fill, h, tried } from "../shared/dom.js";

/** Milliseconds after the last letter until the words are looked for. */
const TYPING = 250;
const ORDERS = { newest: "Newest first", oldest: "Oldest first", rating: "Starred first", cost: "Highest cost", time: "Longest time" };
const TILE_SIZES = { S: "Small tiles", M: "Medium tiles", L: "Large tiles" };
/** Where the web browser keeps the size for the next time. */
const SIZE_KEY = "nbbanana.tiles";

/** The size that was chosen last in this web browser; it may not allow to keep anything. */
export function keptSize() {
  const kept = tried(() => localStorage.getItem(SIZE_KEY));
  return Object.hasOwn(TILE_SIZES, kept) ? kept : "M";
}

/** @param {any} form what the parts share: `state`, `want`, `resize` */
export function makeBrowserBar(form) {
  let timer = 0;
  const { state } = form;
  const total = h("p.nbb-quiet.nbb-figures");
  const news = h("button.nbb-boxed", { type: "button", hidden: true, onclick: () => form.want({}) });
  const words = h("input", { type: "search", placeholder: "Words, notes, tags, file", "aria-label": "Search the history", "aria-keyshortcuts": "/", oninput: () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => form.want({ words: words.value }), TYPING);
  } });
  const order = h("select", { "aria-label": "Sort", onchange: () => form.want({ order: order.value }) }, Object.entries(ORDERS).map(([value, word]) => h("option", { value }, word)));
  const sizes = Object.entries(TILE_SIZES).map(([size, title]) => h("button.nbb-icon", { type: "button", "aria-label": title, title, "aria-pressed": String(size === state.size), onclick: () => {
    const before = state.size;
    state.size = size;
    tried(() => localStorage.setItem(SIZE_KEY, size));
    for (const one of sizes) one.setAttribute("aria-pressed", String(one.textContent === size));
    form.resize(before);
  } }, size));
  return {
    element: h("header.br-bar.nbb-bar", {}, h("h2", {}, "History"), total, news, h("div.br-search.nbb-end", {}, words, h("kbd", { "aria-hidden": "true" }, "/")), order, h("div.br-sizes.nbb-segments", { role: "group", "aria-label": "Tile size" }, sizes)),
    focus: () => words.focus(),
    /** Edits that were made since; the list stays as it is until they are asked for. */
    grown(many) {
      news.hidden = many === 0;
      fill(news, `Show ${count(many, "new edit")}`);
      if (many) fill(form.live, `${count(many, "new edit")}.`);
    },
    update(message) {
      news.hidden = true;
      const few = message.many === message.all ? "" : `${message.many.toLocaleString("en")} of `;
      fill(total, `${few}${message.all.toLocaleString("en")} edit${message.all === 1 ? "" : "s"}`);
      if (form.root.getRootNode().activeElement !== words) words.value = message.filters.words;
      order.value = message.filters.order;
    },
    end: () => clearTimeout(timer),
  };
}
