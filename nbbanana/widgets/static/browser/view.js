// The history browser's front end: filters, tiles, what is chosen, and one edit looked at closely.

import { button, count, fill, h, keepKeys } from "../shared/dom.js";
import { album, hideStill, link } from "../shared/link.js";
import { makeTiles } from "./tiles.js";

/** Milliseconds after the last letter until the words are looked for. */
const TYPING = 250;
/** Small copies that are kept, about 10 kB each. */
const COPIES = 1500;
const STATES = ["completed", "failed", "cancelled", "unknown", "queued", "running"];

let browsers = 0;

function makeBrowser() {
  browsers += 1;
  const prefix = `nbbb${browsers}`;
  const root = h("section.nbb.nbb-browser", { "aria-label": "History" });
  const form = {
    root,
    live: h("p.nbb-unseen", { "aria-live": "polite", role: "status" }),
    album: album(COPIES, () => root, (keys) => form.say("dropped", { keys })),
    id: (name) => `${prefix}-${name}`,
    state: { many: 0, all: 0, rows: new Map(), chosen: new Set(), current: -1, looked: 0, turn: 0, acts: new Set() },
    say: (_kind, _content) => undefined,
    look: () => undefined,
    find: () => undefined,
    chose: () => undefined,
  };
  return form;
}

/** The line above, and the filters. */
function makeFilters(form) {
  let timer = 0;
  const total = h("p.nbb-quiet.nbb-small.nbb-figures");
  const news = h("button.nbb-boxed.nbb-small", { type: "button", hidden: true, onclick: () => want() });
  const words = h("input", { type: "search", placeholder: "Words, notes, tags, file", "aria-label": "Search the history", "aria-keyshortcuts": "/", oninput: () => {
    clearTimeout(timer);
    timer = window.setTimeout(want, TYPING);
  } });
  const starred = h("input", { type: "checkbox", onchange: () => want() });
  const kept = h("input", { type: "checkbox", onchange: () => want() });
  const choice = (name, values, all) => h("select", { "aria-label": name, onchange: () => want() }, h("option", { value: "" }, all), values.map((value) => h("option", { value }, value)));
  const model = choice("Model", [], "every model");
  const provider = choice("Provider", ["runcomfy", "sandbox"], "every provider");
  const state = choice("Outcome", STATES, "every outcome");
  const want = () => form.say("want", { words: words.value, starred: starred.checked, kept: kept.checked, model: model.value, provider: provider.value, state: state.value });
  const check = (box, name) => h("label.br-check", {}, box, name);
  return {
    bar: h("header.br-bar", {}, h("h2", {}, "History"), total, news, h("div.br-search", {}, words)),
    filters: h("div.br-filters", { role: "group", "aria-label": "Show" }, check(starred, "Starred"), check(kept, "Hide rejected"), model, provider, state),
    focus: () => words.focus(),
    /** Edits that were made since; the list stays as it is until somebody wants them in it. */
    grown(many) {
      news.hidden = many === 0;
      fill(news, `Show ${count(many, "new edit")}`);
      if (many) fill(form.live, `${count(many, "new edit")}.`);
    },
    update(message) {
      news.hidden = true;
      const few = message.many === message.all ? "" : `${message.many.toLocaleString("en")} of `;
      fill(total, `${few}${message.all.toLocaleString("en")} edits`);
      if (form.root.getRootNode().activeElement !== words) words.value = message.words;
      starred.checked = message.starred;
      kept.checked = message.kept;
      fill(model, h("option", { value: "" }, "every model"), message.models.map((id) => h("option", { value: id }, id)));
      Object.assign(model, { value: message.model });
      provider.value = message.provider;
      state.value = message.state;
    },
    end: () => clearTimeout(timer),
  };
}

/** What is done with the chosen ones. */
function makeChosen(form, tiles) {
  const { state } = form;
  const many = h("strong.nbb-figures");
  const tell = (kind) => form.say(kind, { numbers: [...state.chosen], on: true });
  const clear = () => {
    state.chosen.clear();
    tiles.dress();
    form.chose();
  };
  const compare = button("Compare", "compare", () => form.say("compare", { pictures: [...state.chosen].map((edit) => [edit, 0]) }), { title: "The first pictures of two to six chosen edits", key: "c" });
  const element = h("div.br-chosen", { role: "group", "aria-label": "The chosen edits" }, many, compare, button("Star", "star", () => tell("star")), button("Reject", "cross", () => tell("reject")), button("Contact sheet", "dice", () => form.say("sheet")), button("Export", "save", () => form.say("export")), button("Clear", null, clear));
  return {
    element,
    compare: () => !compare.disabled && !compare.hidden && compare.click(),
    draw() {
      fill(many, state.chosen.size ? `${state.chosen.size} chosen` : "Choose with the space bar, or Ctrl and a click");
      for (const one of element.querySelectorAll("button")) one.disabled = state.chosen.size === 0;
      compare.hidden = !state.acts.has("compare");
      compare.disabled = state.chosen.size < 2 || state.chosen.size > 6;
    },
  };
}

/** The edit that is looked at. */
function makeDetail(form) {
  const { state } = form;
  const element = h("aside.br-detail", { "aria-label": "The edit" }, h("p.nbb-quiet", {}, "Choose an edit to look at it."));
  const said = h("p.nbb-quiet.nbb-small", { role: "status" });
  async function copied(message) {
    try {
      await navigator.clipboard.writeText(message.text);
      fill(said, `The cell of history[${message.edit}] is in the clipboard.`);
    } catch {
      fill(said, h("textarea.nbb-mono", { readonly: true, rows: "5", "aria-label": "The cell", value: message.text }));
    }
  }
  /** @type {any} */
  let shown = null;
  let index = 0;
  const mark = (kind, row) => form.say(kind, { numbers: [row.id], on: kind === "star" ? !row.starred : !row.rejected });
  const detail = {
    element,
    said,
    copied,
    /** Of the edit that is looked at, which need not be among the tiles, and whose detail may be on its way. */
    mark: (kind) => {
      const row = [state.rows.get(state.current), shown].find((one) => one?.id === state.looked);
      if (row) mark(kind, row);
    },
    draw(row) {
      if (row.id !== state.looked) return;
      if (row.id !== shown?.id) index = 0;
      shown = row;
      const key = row.pictures[index]?.key ?? row.key;
      fill(
        element,
        key && form.album.show(h("img.br-large", { alt: row.prompt }), key),
        pictures(row),
        h("h3.nbb-mono", {}, `history[${row.id}]`),
        h("p.br-prompt", { dir: "auto" }, row.prompt),
        h("p.nbb-quiet.nbb-small", {}, [row.facts, row.day, row.state === "completed" ? "" : row.state, row.provider === "sandbox" ? "sandbox" : ""].filter(Boolean).join(" · ")),
        h("div.br-acts", {}, state.acts.has("open") && button("Open in the form", "pencil", () => form.say("open", { edit: row.id }), { boxed: true }), state.acts.has("take") && row.key && button("Use as input", "input", () => form.say("take", { edit: row.id, index }), { boxed: true }), toggle("Star", "star", row.starred, row), toggle("Reject", "cross", row.rejected, row), button("Copy cell", "copy", () => form.say("copy", { edit: row.id }), { boxed: true })),
        descent(form, row),
      );
    },
  };
  /** Where an edit has several pictures, the one that is looked at. */
  function pictures(row) {
    if (row.pictures.length < 2) return null;
    const one = (picture) => h("button", { type: "button", "aria-pressed": String(picture.index === index), "aria-label": `Picture ${picture.index}`, onclick: () => {
      index = picture.index;
      detail.draw(row);
      element.querySelectorAll(".br-pictures button")[index]?.focus();
    } }, form.album.show(h("img", { alt: "" }), picture.key));
    return h("div.br-pictures", { role: "group", "aria-label": "Its pictures" }, row.pictures.map(one));
  }
  return detail;
  function toggle(word, symbol, isOn, row) {
    const one = button(word, symbol, () => mark(word.toLowerCase(), row), { boxed: true });
    one.setAttribute("aria-pressed", String(isOn));
    return one;
  }
}

/** What an edit came from and what came of it, as small pictures that lead there. */
function descent(form, row) {
  const step = (near) => h("button", { type: "button", title: near.prompt, "aria-label": `Edit ${near.id}: ${near.prompt}`, onclick: () => form.find(near.id) }, near.key ? form.album.show(h("img", { alt: "" }), near.key) : h("span.br-none"), h("span.nbb-figures.nbb-small", { "aria-hidden": "true" }, String(near.id)));
  const line = (where, word) => {
    const near = row.line.filter((one) => one.where === where);
    return near.length > 0 && h("div.br-line", { role: "group", "aria-label": word }, h("span.nbb-quiet.nbb-small", { "aria-hidden": "true" }, word), near.map(step));
  };
  if (!row.line.length) return h("p.nbb-quiet.nbb-small", {}, "Made from no other edit, and nothing was made of it.");
  return h("section.br-descent", { "aria-label": "Descent" }, line("before", "Came from"), line("also", "With cues from"), line("after", "Became"));
}

/** The form in an element; returns what ends it. @param {{model: any, el: HTMLElement}} context */
export function renderBrowser({ model, el }) {
  const form = makeBrowser();
  const { state } = form;
  const tiles = makeTiles(form);
  const filters = makeFilters(form);
  const chosen = makeChosen(form, tiles);
  const detail = makeDetail(form);
  const none = h("p.br-empty.nbb-quiet", { hidden: true }, "Nothing fits.");
  const trouble = h("p.br-trouble", { role: "alert", hidden: true });
  const waits = h("p.br-trouble", { role: "status", hidden: true });
  let showStill = () => undefined;

  const hear = {
    uid: (message) => {
      showStill();
      showStill = hideStill(message.uid);
    },
    fits: (message) => {
      Object.assign(state, { many: message.many, all: message.all, turn: state.turn + 1 });
      state.rows.clear();
      filters.update(message);
      none.hidden = message.many > 0;
      tiles.reset();
      fill(form.live, `${count(message.many, "edit")} of ${message.all}.`);
    },
    grown: (message) => filters.grown(message.many),
    rows: (message) => {
      message.rows.forEach((row, place) => state.rows.set(message.first + place, row));
      tiles.told();
      const row = state.rows.get(state.current);
      if (row && row.id !== state.looked) form.look(state.current);
    },
    changed: (message) => {
      const news = new Map(message.rows.map((row) => [row.id, row]));
      for (const [place, row] of state.rows) if (news.has(row.id)) state.rows.set(place, news.get(row.id));
      tiles.dress();
      if (state.looked) form.say("look", { edit: state.looked });
    },
    chosen: (message) => {
      state.chosen = new Set(message.numbers);
      tiles.dress();
      chosen.draw();
    },
    acts: (message) => {
      state.acts = new Set(message.acts);
      chosen.draw();
    },
    place: (message) => tiles.go(message.place),
    detail: (message) => detail.draw(message),
    cell: (message) => detail.copied(message),
    said: (message) => fill(detail.said, message.text),
    picture: (message, buffers) => form.album.add(message.key, buffers[0]),
    error: (message) => {
      fill(trouble, `${message.what} ${message.why} ${message.mend}`);
      trouble.hidden = false;
    },
  };
  const line = link(model, (message, buffers) => hear[message.kind]?.(message, buffers), waits);
  form.say = (kind, content) => {
    if (!["rows", "look", "dropped"].includes(kind)) trouble.hidden = true;
    line.say(kind, content);
  };
  form.look = (place) => {
    const row = state.rows.get(place);
    if (!row) return;
    state.looked = row.id;
    form.say("look", { edit: row.id });
  };
  form.find = (edit) => {
    state.looked = edit;
    form.say("find", { edit });
  };
  form.chose = () => {
    chosen.draw();
    form.say("choose", { numbers: [...state.chosen] });
  };
  const letKeysGo = keepKeys(form.root);
  form.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0].matches("input, select, textarea")) return;
    const act = { "/": filters.focus, s: () => detail.mark("star"), x: () => detail.mark("reject"), c: chosen.compare }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const keys = h("footer.br-keys.nbb-quiet.nbb-small", { "aria-hidden": "true" }, [["←", "→", "↑", "↓", "walk"], ["Space", "choose"], ["s", "star"], ["x", "reject"], ["/", "search"]].map((list) => h("span", {}, list.slice(0, -1).map((key) => [h("kbd", {}, key), " "]).flat(), list.at(-1))));
  fill(form.root, filters.bar, waits, trouble, filters.filters, h("div.br-body", {}, h("div.br-main", {}, chosen.element, h("div.br-frame", {}, tiles.day, tiles.element, none)), h("div.br-side", {}, detail.element, detail.said)), keys, form.live);
  el.replaceChildren(form.root);
  chosen.draw();
  line.say("hello");
  return () => {
    letKeysGo();
    line.end();
    filters.end();
    tiles.end();
    form.album.end();
    showStill();
  };
}
