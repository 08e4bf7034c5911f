// The front end of a vote: two pictures, a key or a click for the better one, and nothing that says what they are.

import { button, fill, h } from "../shared/dom.js";
import { makeNotices, mount } from "../shared/frame.js";
import { album } from "../shared/link.js";

/** Pictures that are kept in the page: a next pair is always among them. */
const KEPT = 80;

/** The two pictures, and the controls under them. */
function makeStage(vote) {
  const picture = (side, alt) => {
    const image = h("img.vt-picture.nbb-fill", { alt, draggable: "false" });
    return { image, frame: h(`div.vt-frame.vt-${side}`, { onclick: () => vote(side) }, image) };
  };
  const left = picture("left", "The left picture");
  const right = picture("right", "The right picture");
  const pair = h("div.vt-pair.nbb-inset", { tabindex: "0", role: "group", "aria-label": "Two pictures. Left arrow: the left one is better. Right arrow: the right one. Up arrow or space: no difference." }, left.frame, right.frame);
  const key = (name) => h("kbd", { "aria-hidden": "true" }, name);
  const choice = (side, ...children) => h("button.nbb-boxed", { type: "button", onclick: () => vote(side) }, ...children);
  const choices = h("div.vt-choices.nbb-row", {}, choice("left", key("←"), "Left"), choice("tie", key("↑"), "No difference"), choice("right", "Right", key("→")));
  return { images: [left.image, right.image], pair, choices };
}

/** Whether both pictures are seen: nothing is voted on before. */
function areSeen(images) {
  return images.every((image) => image.complete && image.naturalWidth > 0);
}

/** Show the pictures of a pair; a picture of the pair before never stands in a place of this one. */
function showPair(images, keys, pictures) {
  images.forEach((image, place) => {
    if (image.dataset.key === keys[place]) return;
    image.removeAttribute("src");
    pictures.show(image, keys[place]);
  });
}

/** What a key means; space is for the button that has the focus. */
function meaning(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null;
  const isButton = event.composedPath()[0].matches("button");
  if (event.key === " ") return isButton ? null : "tie";
  return { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "tie", u: "undo", U: "undo", r: "ranking", R: "ranking" }[event.key] ?? null;
}

function render(context) {
  const root = h("section.nbb.nbb-voting", { "aria-label": "Vote" });
  const { trouble, waits, complain } = makeNotices("vt");
  const progress = h("p.vt-progress", { role: "status" });
  const live = h("p.nbb-unseen", { role: "status" });
  const state = { round: -1, voted: -1, isRanking: false };

  const pictures = album(KEPT, () => root, (keys) => keys.length && line.say("dropped", { keys }));
  const vote = (side) => {
    if (state.isRanking || state.voted === state.round || !areSeen(stage.images)) return;
    state.voted = state.round;
    line.say("vote", { round: state.round, side });
    fill(live, { left: "Left.", right: "Right.", tie: "No difference." }[side]);
  };
  const stage = makeStage(vote);
  const undo = button("Undo", "undo", () => acts.undo(), { key: "u", title: "Take the last vote back (U)" });
  const ranking = makeRanking(pictures, (name) => line.say("small", { name }));
  const turn = button("Ranking", "sheet", () => look(!state.isRanking), { key: "r", title: "Show the ranking (R)" });
  const look = (isRanking) => {
    state.isRanking = isRanking;
    turn.setAttribute("aria-pressed", String(isRanking));
    ranking.element.hidden = !isRanking;
    stage.pair.hidden = stage.choices.hidden = isRanking;
    if (isRanking) line.say("ranking");
  };
  // What is hidden or disabled loses the focus, and keys would go to the page.
  const acts = {
    undo() {
      if (undo.disabled) return;
      look(false);
      stage.pair.focus();
      line.say("undo");
    },
    ranking() {
      look(!state.isRanking);
      (state.isRanking ? turn : stage.pair).focus();
    },
  };

  const handlers = {
    pair: (message) => {
      state.round = message.round;
      trouble.hidden = true;
      showPair(stage.images, message.pair, pictures);
      fill(progress, message.progress);
      undo.disabled = message.undo === 0;
      if (state.isRanking) line.say("ranking");
    },
    picture: (message, buffers) => pictures.add(message.key, buffers[0]),
    ranking: (message) => ranking.draw(message),
    said: (message) => fill(live, message.text),
    error: (message) => {
      state.voted = -1;
      complain(message);
    },
  };
  const line = mount(context, root, handlers, waits);
  root.addEventListener("keydown", (event) => {
    const what = meaning(event);
    if (!what) return;
    event.preventDefault();
    (acts[what] ?? (() => vote(what)))();
  });
  const head = h("header.vt-head.nbb-bar", {}, h("h2", {}, "Which is better?"), progress, h("div.vt-tools.nbb-row", {}, undo, turn));
  fill(root, head, waits, trouble, stage.pair, stage.choices, ranking.element, live);
  look(false);
  line.say("hello");
  return () => [line, pictures].forEach((one) => one.end());
}

/**
 * @param {any} pictures the album of the form
 * @param {(name: string) => void} want asks for the small copy of a picture
 */
function makeRanking(pictures, want) {
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
      fill(element, h("div.nbb-scroll", { tabindex: "0", role: "group", "aria-label": "The ranking" }, table), more > 0 && h("p.nbb-quiet", {}, `${more} more are in sweep.ranking.`), values);
    },
  };
}

export default { render };
