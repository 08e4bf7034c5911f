// The comparison's front end: what it stands at, and what moves it.

import { fill, h, keyHints } from "../shared/dom.js";
import { makeNotices, mount } from "../shared/frame.js";
import { album } from "../shared/link.js";
import { makeViewer } from "../shared/viewer.js";
import { letter, makePixels, makeWords } from "./words.js";
import { makeStage } from "./stage.js";
import { makeBar, WAYS } from "./bar.js";

/** Milliseconds between two pictures that flicker: slower than three a second, which is safe for everybody. */
const BEAT = 700;

let comparisons = 0;

/** What the parts share, before Python said anything. */
function makeComparison() {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");
  const root = h("section.nbb.nbb-compare", { "aria-label": "Compare pictures" });
  return {
    root,
    live: h("p.nbb-unseen", { "aria-live": "polite", role: "status" }),
    album: album(Infinity, () => root),
    data: { sides: [], rows: [], same: [], words: {}, made: [] },
    /** @type {Map<string, any>} what changed between the pixels, by pair */
    measured: new Map(),
    /** The colours of heat maps, as the address of a picture. */
    scale: "",
    /** What was said of the pair; nothing while it is being measured. */
    figures() {
      return this.measured.get(`${this.state.left}-${this.state.right}`);
    },
    /** The key of the heat map of the pair; empty where there is none, and where it would hide a difference. */
    heatKey() {
      return this.figures()?.is_hot && this.state.way !== "difference" ? `heat ${this.state.left}-${this.state.right}` : "";
    },
    state: { way: "slider", left: 0, right: 1, current: 0, divider: 0.5, gain: 4, isPlaying: false, isHot: false, isStill: isStill.matches, view: { x: 0.5, y: 0.5, zoom: 1 }, spot: { x: 0.5, y: 0.4 }, isPointed: false },
  };
}

/** What the controls and the keys do. */
function makeActs(form, parts) {
  const { state } = form;
  let beat = 0;
  const say = (words) => fill(form.live, words);
  const acts = {
    way(way) {
      state.way = way;
      state.current = state.left;
      state.isPlaying = way === "flicker" && !state.isStill;
      acts.keepTime();
      parts.pixels.draw();
      parts.stage.build();
      say(`${WAYS.find(([name]) => name === way)?.[1]}.`);
    },
    pair(left, right) {
      Object.assign(state, left === right ? { left: state.right, right: state.left } : { left, right });
      parts.words.drawPrompt();
      form.wantFigures();
      parts.stage.build();
      say(`${letter(state.left)} with ${letter(state.right)}.`);
    },
    swap: () => acts.pair(state.right, state.left),
    /** The next picture, by hand: from here on nothing moves by itself. */
    next() {
      state.isPlaying = false;
      acts.keepTime();
      acts.step();
      say(`${letter(state.current)}, ${form.data.sides[state.current].label}`);
    },
    step() {
      state.current = (state.current + 1) % form.data.sides.length;
      parts.stage.draw();
    },
    play() {
      state.isPlaying = !state.isPlaying && !state.isStill;
      acts.keepTime();
      form.changed();
    },
    gain(times) {
      state.gain = times;
      form.root.style.setProperty("--cp-gain", String(times));
    },
    heat() {
      if (state.way === "difference" || form.figures()?.is_hot === false) return;
      state.isHot = !state.isHot;
      parts.pixels.draw();
      parts.stage.build();
      const over = form.heatKey() ? `The heat map lies over ${letter(state.right)}.` : "The heat map follows once it is measured.";
      say(state.isHot ? over : "Without the heat map.");
    },
    keepTime() {
      clearInterval(beat);
      if (state.isPlaying) beat = window.setInterval(acts.step, BEAT);
    },
    end: () => clearInterval(beat),
  };
  acts.gain(state.gain);
  return acts;
}

/** What a key does. */
function makeCompareKeys(form, parts, acts) {
  const keys = { "+": () => parts.stage.zoom(1.5), "=": () => parts.stage.zoom(1.5), "-": () => parts.stage.zoom(1 / 1.5), 0: () => parts.stage.whole(), o: () => parts.stage.exact(), x: () => acts.swap(), h: () => acts.heat(), Enter: () => form.enlarge(form.state.way === "flicker" ? form.state.current : form.state.left) };
  WAYS.forEach(([way], place) => (keys[place + 1] = () => acts.way(way)));
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0].matches("select, input")) return;
    const isSpace = event.key === " " && !event.composedPath()[0].matches("button");
    const act = isSpace && form.state.way === "flicker" ? acts.next : keys[event.key];
    if (!act || (event.key === "Enter" && event.composedPath()[0].matches("button"))) return;
    event.preventDefault();
    act();
  };
}

/** The keys, for those who see them; controls name their own. */
const HINTS = [[["←", "→"], "divider, details or view"], [["+", "−"], "zoom"], [["0"], "whole"], [["1"], "to ", ["4"], "way of comparing"], [["x"], "swap"], [["h"], "heat map"], [["↵"], "enlarge"], [["Space"], "next, in flicker"]];

/** What is said of pictures that are larger than what travels of them. */
function shrunk(sides) {
  const smaller = sides.map((side, number) => [side, number]).filter(([side]) => side.sent < 1);
  return smaller.map(([side, number]) => `${letter(number)} is shown at ${Math.round(side.width * side.sent)}×${Math.round(side.height * side.sent)} of its ${side.width}×${side.height} pixels; zoom in for all of them.`).join(" ");
}

function render(context) {
  const form = makeComparison();
  const { state } = form;
  const parts = {};
  const acts = makeActs(form, parts);
  parts.words = makeWords(form);
  parts.pixels = makePixels(form);
  parts.stage = makeStage(form);
  parts.bar = makeBar(form, parts.stage, acts);
  form.changed = () => parts.bar.draw();
  const note = h("p.cp-note.nbb-quiet.nbb-small", { hidden: true });
  const { trouble, waits, complain } = makeNotices("cp");

  const asked = new Set();
  const tellShrunk = () => {
    fill(note, shrunk(form.data.sides));
    note.hidden = !note.textContent;
  };
  const handlers = {
    sides: (message) => {
      form.data = message;
      parts.words.draw();
      form.measured.clear();
      parts.bar.fill();
      form.wantFigures();
      parts.stage.build();
      asked.clear();
      tellShrunk();
    },
    picture: (message, buffers) => {
      if (!message.full) return form.album.add(String(message.number), buffers[0]);
      form.data.sides[message.number].sent = 1;
      tellShrunk();
      return form.album.replace(String(message.number), buffers[0]);
    },
    measured: (message, buffers) => {
      const key = `${message.left}-${message.right}`;
      form.measured.set(key, message);
      if (message.is_hot) form.album.add(`heat ${key}`, buffers[0]);
      if (message.scale) form.scale = message.scale;
      parts.pixels.draw();
      if (state.isHot && form.heatKey() === `heat ${key}`) parts.stage.build();
      form.changed();
    },
    facts: (message) => viewer.facts(message),
    large: (message, buffers) => viewer.receive(message, buffers[0]),
    said: (message) => viewer.said(message.text),
    error: complain,
  };
  const line = mount(context, form.root, handlers, waits);
  comparisons += 1;
  const viewer = makeViewer({
    id: (name) => `nbbc${comparisons}-${name}`,
    say: line.say,
    thumbnail: (image, ref) => form.album.show(image, String(form.data.sides.findIndex(({ output }) => output?.edit === ref.edit && output.index === ref.index))),
  });
  form.enlarge = (number) => {
    const refs = form.data.sides.map(({ output }) => output).filter(Boolean);
    const wanted = form.data.sides[number].output ?? refs[0];
    if (refs.length) viewer.open(refs, refs.indexOf(wanted));
  };
  form.wantFull = (number) => {
    if (asked.has(number) || form.data.sides[number].sent === 1) return;
    asked.add(number);
    line.say("full", { side: number });
  };
  form.wantFigures = () => {
    if (!form.figures()) line.say("measure", { left: state.left, right: state.right });
    parts.pixels.draw();
  };
  fill(form.root, parts.bar.element, waits, trouble, parts.stage.element, note, parts.pixels.element, parts.words.element, keyHints(HINTS), viewer.element, form.live);
  form.root.addEventListener("keydown", makeCompareKeys(form, parts, acts));
  line.say("hello");
  return () => [line, acts, parts.stage, viewer, form.album].forEach((one) => one.end());
}

export default { render };
