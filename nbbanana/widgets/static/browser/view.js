// The history browser's front end: filters, tiles, what is chosen, and one edit looked at closely.

import { button, count, fill, h, keepKeys } from "../shared/dom.js";
import { album, hideStill, link } from "../shared/link.js";
import { makeComparisonPlace } from "../shared/beside.js";
import { makeViewer } from "../shared/viewer.js";
import { makeDetail } from "./detail.js";
import { makeTiles } from "./tiles.js";

/** Milliseconds after the last letter until the words are looked for. */
const TYPING = 250;
/** Small copies that are kept, about 10 kB each. */
const COPIES = 1500;

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
    enlarge: () => undefined,
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
  const choice = (name) => h("select", { "aria-label": name, onchange: () => want() });
  const offer = (select, all, pairs, value) => {
    fill(select, h("option", { value: "" }, all), pairs.map(([one, word]) => h("option", { value: one }, word)));
    select.value = value;
  };
  const model = choice("Model");
  const provider = choice("Service");
  const state = choice("Result");
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
      offer(model, "All models", message.models.map((id) => [id, id]), message.model);
      offer(provider, "All services", [["runcomfy", "RunComfy"], ["sandbox", "Sandbox"]], message.provider);
      offer(state, "Any result", message.states, message.state);
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
  const compare = button("Compare", "compare", () => form.say("compare", { pictures: [...state.chosen].map((edit) => [edit, 0]) }), { title: "The first pictures of two to six selected edits", key: "c" });
  const element = h("div.br-chosen", { role: "group", "aria-label": "The selected edits" }, many, compare, button("Star", "star", () => tell("star")), button("Reject", "cross", () => tell("reject")), button("Contact sheet", "sheet", () => form.say("sheet")), button("Export", "save", () => form.say("export")), button("Clear", null, clear));
  return {
    element,
    compare: () => !compare.disabled && !compare.hidden && compare.click(),
    draw() {
      fill(many, state.chosen.size ? `${state.chosen.size} selected` : "Select: Space or Ctrl+click");
      for (const one of element.querySelectorAll("button")) one.disabled = state.chosen.size === 0;
      compare.hidden = !state.acts.has("compare");
      compare.disabled = state.chosen.size < 2 || state.chosen.size > 6;
    },
  };
}

/** The form in an element; returns what ends it. @param {{model: any, el: HTMLElement}} context */
export function renderBrowser({ model, el, host }) {
  const form = makeBrowser();
  const { state } = form;
  const tiles = makeTiles(form);
  const filters = makeFilters(form);
  const chosen = makeChosen(form, tiles);
  const detail = makeDetail(form);
  const none = h("p.br-empty.nbb-quiet", { hidden: true }, "");
  const trouble = h("p.br-trouble", { role: "alert", hidden: true });
  const waits = h("p.br-trouble", { role: "status", hidden: true });
  let showStill = () => undefined;
  const viewer = makeViewer({
    id: form.id,
    ask: (what, ref) => form.say("view", { ...ref, what }),
    save: (ref) => form.say("save", ref),
    thumbnail: (image, { edit, index }) => detail.picture(image, edit, index),
  });
  form.enlarge = () => {
    const row = detail.shown();
    if (row?.pictures.length) viewer.open(row.pictures.map(({ index }) => ({ edit: row.id, index })), detail.index());
  };
  const complain = (message) => {
    fill(trouble, `${message.what} ${message.why} ${message.mend}`);
    trouble.hidden = false;
  };
  const comparison = makeComparisonPlace(host, complain);

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
      fill(none, message.words ? `No edit has all of these words: ${message.words}` : message.all ? "No edit matches these filters." : "Your edits will appear here.");
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
    compare: (message) => comparison.show(message.model),
    place: (message) => tiles.go(message.place),
    detail: (message) => detail.draw(message),
    cell: (message) => detail.copied(message),
    facts: viewer.facts,
    large: (message, buffers) => viewer.receive(message, buffers[0]),
    said: (message) => (viewer.isOpen ? viewer.said(message.text) : fill(detail.said, message.text)),
    picture: (message, buffers) => form.album.add(message.key, buffers[0]),
    error: complain,
  };
  const line = link(model, (message, buffers) => hear[message.kind]?.(message, buffers), waits);
  form.say = (kind, content) => {
    if (!["rows", "look", "dropped", "view"].includes(kind)) trouble.hidden = true;
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
  const keys = h("footer.br-keys.nbb-quiet.nbb-small", { "aria-hidden": "true" }, [["←", "→", "↑", "↓", "walk"], ["Space", "select"], ["↵", "enlarge"], ["s", "star"], ["x", "reject"], ["/", "search"]].map((list) => h("span", {}, list.slice(0, -1).map((key) => [h("kbd", {}, key), " "]).flat(), list.at(-1))));
  fill(form.root, filters.bar, waits, trouble, filters.filters, comparison.element, h("div.br-body", {}, h("div.br-main", {}, chosen.element, h("div.br-frame", {}, tiles.day, tiles.element, none)), h("div.br-side", {}, detail.element, detail.said)), keys, viewer.element, form.live);
  el.replaceChildren(form.root);
  chosen.draw();
  line.say("hello");
  return () => {
    letKeysGo();
    line.end();
    filters.end();
    comparison.end();
    viewer.end();
    tiles.end();
    form.album.end();
    showStill();
  };
}
