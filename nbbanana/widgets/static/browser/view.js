// The history browser's front end: what is shown, tiles, what is selected, and one edit looked at closely.

import { button, count, download, fill, h, keyHints } from "../shared/dom.js";
import { makeComparisonPlace, makeNotices, mount } from "../shared/frame.js";
import { album } from "../shared/link.js";
import { makeViewer } from "../shared/viewer.js";
import { keptSize, makeBrowserBar } from "./bar.js";
import { makeChosen } from "./chosen.js";
import { makeDetail } from "./detail.js";
import { makeFacets } from "./facets.js";
import { makeMonths } from "./months.js";
import { makeTiles } from "./tiles.js";

/** Small copies that are kept, about 10 kB each. */
const COPIES = 1500;
const TILE_KEYS = [[["←", "→", "↑", "↓"], "walk"], [["Space"], "select"], [["↵"], "enlarge"], [["s"], "star"], [["x"], "reject"], [["c"], "compare"], [["/"], "search"]];
/** What is asked without being an act of the reader's: an error that is shown stays. */
const QUIET = new Set(["rows", "look", "dropped", "view"]);
const NO_FILTERS = { words: "", starred: false, rejected: null, model: "", provider: "", state: "", tag: "", notebook: "" };

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
    state: { many: 0, all: 0, rows: new Map(), chosen: new Set(), current: -1, looked: 0, turn: 0, acts: new Set(), size: keptSize(), filters: { ...NO_FILTERS, order: "newest" } },
    /** Show what matches now, with some filters changed. */
    want(change) {
      form.state.filters = { ...form.state.filters, ...change };
      form.say("want", { filters: form.state.filters, looked: form.state.looked });
    },
    clear: () => form.want(NO_FILTERS),
    compare: (pictures) => form.state.acts.has("compare") && form.say("compare", { pictures }),
  };
  return form;
}

/** What was done, over the tiles until it is closed or something else is done. */
function makeToast() {
  const words = h("div.br-said", { role: "status" });
  const element = h("div.br-toast", { hidden: true }, words, button("Close", "cross", () => show(), { bare: true }));
  function show(...what) {
    element.hidden = what.length === 0;
    fill(words, ...what);
  }
  return { element, show };
}

/** The form in an element; returns what ends it. @param {{model: any, el: HTMLElement, host?: any}} context */
export function renderBrowser(context) {
  const form = makeBrowser();
  const { state } = form;
  const tiles = makeTiles(form);
  const bar = makeBrowserBar(form);
  const facets = makeFacets(form);
  const months = makeMonths(form);
  const chosen = makeChosen(form, tiles);
  const detail = makeDetail(form);
  const toast = makeToast();
  const none = h("div.br-empty", { hidden: true });
  const { trouble, waits, complain } = makeNotices("br");
  const viewer = makeViewer({
    id: form.id,
    say: (kind, content) => form.say(kind, content),
    compare: (ref) => form.compare([[ref.edit, ref.index]]),
    thumbnail: (image, { edit, index }) => detail.picture(image, edit, index),
  });
  const comparison = makeComparisonPlace(context.host, complain);

  function drawNone(message) {
    none.hidden = message.many > 0;
    const { words } = message.filters;
    const said = words ? `No edit has all of these words: ${words}` : message.all ? "No edit matches these filters." : "Your edits will appear here.";
    fill(none, h("p", {}, said), message.all > 0 && button("Clear filters", "cross", form.clear, { boxed: true }));
  }

  async function copied(message) {
    try {
      await navigator.clipboard.writeText(message.text);
      toast.show(`The cell of edit ${message.edit} is in the clipboard.`);
    } catch {
      toast.show("This page may not write to the clipboard. Copy it from here:", h("textarea.nbb-mono", { readonly: true, rows: "5", "aria-label": "The cell", value: message.text }));
    }
  }

  const handlers = {
    fits: (message) => {
      Object.assign(state, { many: message.many, all: message.all, filters: message.filters, turn: state.turn + 1 });
      state.rows.clear();
      bar.update(message);
      months.update(message);
      drawNone(message);
      if (message.place < 0) {
        state.looked = 0;
        detail.clear();
      }
      tiles.reset(message.place);
      fill(form.live, `${count(message.many, "edit")} of ${message.all}.`);
    },
    facets: facets.update,
    grown: (message) => bar.grown(message.many),
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
    cell: copied,
    facts: viewer.facts,
    large: (message, buffers) => {
      viewer.receive(message, buffers[0]);
      if (message.what === "file" && !viewer.isOpen) toast.show(`Downloaded as ${message.name}.`);
    },
    file: (message, buffers) => {
      download(buffers[0], message.name);
      toast.show(`Downloaded as ${message.name}.`);
    },
    said: (message) => (viewer.isOpen ? viewer.said(message.text) : toast.show(message.text)),
    picture: (message, buffers) => form.album.add(message.key, buffers[0]),
    error: complain,
  };
  const line = mount(context, form.root, handlers, waits);
  form.say = (kind, content) => {
    if (!QUIET.has(kind)) {
      trouble.hidden = true;
      toast.show();
    }
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
  form.enlarge = () => {
    const row = detail.shown();
    if (row?.pictures.length) viewer.open(row.pictures.map(({ index }) => ({ edit: row.id, index })), detail.index());
  };
  form.jump = (place) => tiles.go(place, true);
  form.resize = tiles.resize;
  form.scrolled = months.mark;
  form.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0].closest("input, select, textarea, .st-embedded")) return;
    const compare = () => (state.chosen.size ? chosen.compare() : detail.compare());
    const act = { "/": bar.focus, s: () => detail.mark("star"), x: () => detail.mark("reject"), c: compare }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const frame = h("div.br-frame", {}, h("div.br-list.nbb-stack", {}, tiles.day, tiles.element, none, toast.element), months.element);
  fill(form.root, bar.element, waits, trouble, comparison.element, h("div.br-body", {}, facets.element, h("div.br-main.nbb-stack", {}, chosen.element, frame), h("div.br-side", {}, detail.element)), keyHints(TILE_KEYS), viewer.element, form.live);
  chosen.draw();
  line.say("hello");
  return () => [line, bar, comparison, viewer, tiles, form.album].forEach((one) => one.end());
}
