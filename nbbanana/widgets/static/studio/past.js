// The history strip: edits in lanes of descent, wires from parent to child, and the one that is looked at.

import { button, count, files, fill, h, icon, svg } from "../shared/dom.js";

/** Pixels from one edit to the next, and half the height of a lane. */
const STEP = 52;
const HALF = 26;
const REACH = 16;

/** @param {any} form what the parts of the Studio share */
export function makePast(form) {
  const total = h("span.nbb-quiet.nbb-small.nbb-figures");
  const search = h("input", { type: "search", placeholder: "Words, file, tag", "aria-label": "Search the history", "aria-keyshortcuts": "/", oninput: ask });
  const starred = button("Starred", "star", () => {
    starred.setAttribute("aria-pressed", String(starred.getAttribute("aria-pressed") !== "true"));
    ask();
  });
  starred.setAttribute("aria-pressed", "false");
  const older = button("Older", "older", () => form.say("older"));
  const all = button("Browse all", null, () => form.say("browse"));
  files(all);
  const browser = h("div.st-browser");
  const roots = h("div.st-roots", { "aria-hidden": "true" });
  const tree = h("div.st-tree", { role: "group", "aria-label": "Edits, the oldest first; a line leads from an edit to what was made of it" });
  const scroll = h("div.st-scroll", {}, tree);
  const strip = h("div.st-strip", {}, roots, scroll);
  const none = h("p.nbb-quiet.st-none");
  const aside = h("aside.st-detail-box", { "aria-label": "Details of the edit", hidden: true });
  const element = h(
    "section.st-past",
    { "aria-labelledby": form.id("past") },
    h("div.st-lanes", {}, h("div.st-past-head.nbb-row", {}, h("h3", { id: form.id("past") }, "History"), total, h("span.st-find", {}, icon("search"), search, h("kbd", { "aria-hidden": "true" }, "/")), starred, older, all), form.trouble.at("past"), none, strip),
    aside,
    browser,
  );
  let nodes = [];
  let looked = null;
  let timer = 0;

  function ask() {
    clearTimeout(timer);
    timer = window.setTimeout(() => form.say("search", { text: search.value, starred: starred.getAttribute("aria-pressed") === "true" }), 200);
  }

  function look(id) {
    looked = id;
    for (const one of tree.querySelectorAll(".st-node")) mark(one);
    form.say("look", { edit: id });
  }

  function mark(one) {
    const isLooked = Number(one.dataset.id) === looked;
    one.setAttribute("aria-pressed", String(isLooked));
    one.tabIndex = isLooked || (looked === null && one === tree.querySelector(".st-node:last-of-type")) ? 0 : -1;
  }

  function walk(event) {
    const drawn = [...tree.querySelectorAll(".st-node")];
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const next = drawn[drawn.indexOf(event.currentTarget) + (step ?? 0)];
    if (!step || !next) return;
    event.preventDefault();
    event.stopPropagation();
    look(Number(next.dataset.id));
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function drawNode(node, place) {
    const marks = [node.starred ? "starred" : "", node.rejected ? "rejected" : "", node.word].filter(Boolean);
    const from = node.parents.length ? `, from edit ${node.parents[0]}` : `, from ${node.from}`;
    const image = node.picture ? form.album.show(h("img", { alt: "" }), node.picture) : h("span.st-blank", { "aria-hidden": "true" }, node.mark);
    return h(
      "button.st-node" + (node.rejected || node.word ? ".is-faint" : ""),
      {
        type: "button",
        "data-id": node.id,
        style: `left:${place.x * STEP}px;top:${place.y * STEP + 4}px`,
        "aria-label": [`Edit ${node.id}${from}`, ...marks].join(", "),
        title: node.prompt,
        onclick: () => look(node.id),
        onkeydown: walk,
      },
      image,
      h("span.st-node-id.nbb-figures", { "aria-hidden": "true" }, String(node.id)),
      node.starred ? h("span.st-node-star", { "aria-hidden": "true" }, icon("star")) : null,
    );
  }

  function wiresOf(found) {
    const paths = found.wires.map((wire) => svg("path", { d: wirePath(wire, STEP, HALF, REACH), transform: `translate(${REACH} 0)` }));
    const size = { width: nodes.length * STEP + REACH, height: found.lanes * STEP };
    return svg("svg", { class: "st-wires", "aria-hidden": "true", ...size }, ...paths);
  }

  function drawDetail(row) {
    const recall = (word, what) => h("button.nbb-boxed", { type: "button", onclick: () => form.say("recall", { edit: row.id, what }) }, word);
    const words = row.words.map(([kind, text]) => (kind === "same" ? text : h(kind === "new" ? "ins" : "del", {}, text)));
    const parent = row.parent === null ? null : h("p.nbb-small", {}, h("b", {}, `Different from edit ${row.parent}: `), row.against_parent.join(", ") || "no difference", ".");
    const against = h("p.nbb-small", {}, h("b", {}, "Different from the form: "), row.against_form.join(", ") || "no difference", ".");
    fill(
      aside,
      h("div.st-who", {}, row.picture ? form.album.show(h("img", { alt: `The first picture of edit ${row.id}` }), row.picture) : null, h("div", {}, h("h3.nbb-figures", {}, `Edit ${row.id}`), h("p.nbb-quiet.nbb-small.nbb-figures", {}, row.facts), h("p.nbb-quiet.nbb-small", {}, row.parents.length ? `from edit ${row.parents[0]}` : `from ${row.from}`))),
      h("p.st-words.nbb-small", {}, words),
      row.region ? h("p.nbb-small", {}, h("b", {}, "Region: "), row.region, ".") : null,
      row.error ? h("p.nbb-small", {}, h("b", {}, "Error: "), row.error) : null,
      parent,
      against,
      h("p.nbb-quiet.nbb-small", { id: form.id("recall") }, "Load into the form. Undo brings your text back."),
      h("div.st-recall.nbb-row", { role: "group", "aria-labelledby": form.id("recall") }, recall("Everything", "all"), recall("Without seed", "all but seed"), recall("Prompt only", "only words")),
      h("div.st-more.nbb-row", {}, button("Show pictures", null, () => form.say("show", { edit: row.id })), button("Use as input", "input", () => form.say("take", { edit: row.id, index: 0 })), button("Copy as a cell", "copy", () => form.say("copy", { edit: row.id }))),
    );
    aside.hidden = false;
    reveal();
  }

  /** The detail takes room from the strip: what is looked at must not slip under it. */
  function reveal() {
    const node = tree.querySelector(`[data-id="${looked}"]`);
    if (!node) return;
    const end = node.offsetLeft + STEP - scroll.clientWidth;
    scroll.scrollLeft = Math.min(Math.max(scroll.scrollLeft, end), node.offsetLeft);
  }

  return {
    element,
    browser,
    /** Go to where words are looked for: the strip's field, or the browser's where it is open. */
    find: () => (browser.querySelector("[type=search]") ?? search).focus(),
    /** Show the browser in the place of the strip, or the strip again. */
    browse(isOn) {
      element.classList.toggle("is-browsing", isOn);
      if (isOn) aside.hidden = true;
    },
    detail: drawDetail,
    update(state) {
      const isNew = state.nodes[0]?.id !== nodes.at(-1)?.id;
      const focused = tree.contains(form.active());
      nodes = [...state.nodes].reverse();
      fill(total, `${count(state.total, "edit")}, ${state.spent}`);
      older.hidden = !state.older;
      strip.hidden = nodes.length === 0;
      none.hidden = nodes.length > 0;
      fill(none, state.words ? `No edit has all of these words: ${state.words}` : state.starred ? "No edit is starred yet." : "Your edits will appear here, each beside the picture that it was made from.");
      const found = layOut(nodes);
      tree.style.width = `${nodes.length * STEP + 8}px`;
      tree.style.height = `${found.lanes * STEP}px`;
      fill(tree, wiresOf(found), nodes.map((node) => drawNode(node, found.places.get(node.id))));
      fill(roots, found.roots.map(({ node, y }) => h("div.st-root.nbb-line.nbb-small", { style: `top:${y * STEP + 4}px`, title: node.from }, node.fromPicture ? form.album.show(h("img", { alt: "" }), node.fromPicture) : h("span.st-blank"), h("span.nbb-clip", {}, node.from))));
      roots.style.height = tree.style.height;
      if (!nodes.some((node) => node.id === looked)) {
        looked = null;
        aside.hidden = true;
      }
      for (const one of tree.querySelectorAll(".st-node")) mark(one);
      if (focused) tree.querySelector(`[data-id="${looked}"]`)?.focus();
      if (isNew) scroll.scrollLeft = scroll.scrollWidth;
    },
  };
}

/**
 * @typedef {{id: number, parents: number[], root: string}} Node
 * @typedef {{x: number, y: number}} Place
 */

/**
 * @param {Node[]} nodes the oldest first
 * @returns {{places: Map<number, Place>, roots: {root: string, y: number, node: any}[], wires: {from: Place | null, to: Place, child: number}[], lanes: number}}
 */
function layOut(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const origin = new Map();
  for (const node of nodes) {
    const parent = node.parents.find((one) => byId.has(one));
    origin.set(node.id, parent === undefined ? node.root : origin.get(parent));
  }
  /** @type {Map<string, {tip: number, x: number}[]>} the lanes of each root, the first for what has no parent here */
  const blocks = new Map();
  const slot = new Map();
  /** @type {Map<number, number[]>} the children of each edit so far */
  const children = new Map();
  const roots = [];
  nodes.forEach((node, x) => {
    const root = origin.get(node.id);
    if (!blocks.has(root)) {
      blocks.set(root, []);
      roots.push({ root, node });
    }
    const lanes = blocks.get(root);
    const parent = node.parents.find((one) => byId.has(one));
    const lane = parent === undefined ? 0 : laneFor(lanes, parent, slot, children);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), node.id]);
    slot.set(node.id, { lane, x, parent });
    lanes[lane] = { tip: node.id, x };
  });
  const offset = new Map();
  let lanes = 0;
  for (const { root } of roots) {
    offset.set(root, lanes);
    lanes += blocks.get(root).length;
  }
  const places = new Map(nodes.map((node) => [node.id, { x: slot.get(node.id).x, y: offset.get(origin.get(node.id)) + slot.get(node.id).lane }]));
  const seen = new Map();
  const wires = nodes.map((node) => {
    const parent = node.parents.find((one) => byId.has(one));
    const root = origin.get(node.id);
    const before = parent === undefined ? (seen.get(root) ?? null) : parent;
    if (parent === undefined) seen.set(root, node.id);
    return { from: before === null ? null : places.get(before), to: places.get(node.id), child: node.id };
  });
  return { places, roots: roots.map(({ root, node }) => ({ root, node, y: offset.get(root) })), wires, lanes };
}

/**
 * Variations of one edit lie in one lane, as long as nothing else came between. A child goes on in its parent's lane
 * where nothing lies behind the parent and no variation before it, else in one that is free since. The first lane is
 * only for what was made of the root itself, or a child would seem to be the parent of what follows.
 */
function laneFor(lanes, parent, slot, children) {
  const at = slot.get(parent);
  const sibling = children.get(parent)?.at(-1);
  if (sibling !== undefined && lanes[slot.get(sibling).lane].tip === sibling) return slot.get(sibling).lane;
  const isAlone = (children.get(at.parent)?.length ?? 1) === 1;
  if (at.lane > 0 && isAlone && lanes[at.lane].tip === parent) return at.lane;
  const free = lanes.findIndex((lane, number) => number > at.lane && lane.x <= at.x);
  return free < 0 ? lanes.length : free;
}

/** The way of a wire in pixels: along, round a corner, along. */
function wirePath(wire, step, half, reach) {
  const toX = wire.to.x * step;
  const toY = wire.to.y * step + half;
  if (wire.from === null) return `M${-reach} ${toY}H${toX}`;
  const fromX = wire.from.x * step + half * 2 - 8;
  const fromY = wire.from.y * step + half;
  if (fromY === toY) return `M${fromX} ${fromY}H${toX}`;
  const middle = wire.from.x * step + half - 4;
  return `M${middle} ${fromY + half - 8}V${toY - 8}q0 8 8 8H${toX}`;
}
