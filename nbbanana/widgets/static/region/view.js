// The region's front end: the picture that is drawn on, and beside it what was drawn, in words and numbers.

import { button, count, fill, h, keyHints } from "../shared/dom.js";
import { makeNotices, mount } from "../shared/frame.js";
import { album } from "../shared/link.js";
import { boundsOf, makeSurface, part } from "./surface.js";

/** The tools, with their names and keys. */
const TOOLS = [
  ["box", "Box", "b"],
  ["lasso", "Lasso", "l"],
  ["brush", "Brush", "p"],
];
const DRAWING_KEYS = [[["Enter"], "box"], [["←", "→"], "move"], [["Shift", "→"], "size"], [["Del"], "take away"], [["b", "l", "p"], "tools"], [["u"], "undo"]];
/** Milliseconds after the last change until what is saved with the notebook follows. */
const SETTLE = 800;

/** The state, and the ways to change it; Python is told of each change and answers with words. */
function makeRegion() {
  const form = {
    root: h("section.nbb.nbb-region", { "aria-label": "Region of a picture" }),
    live: h("p.nbb-unseen", { "aria-live": "polite", role: "status" }),
    state: { tool: "box", radius: 0.03, shapes: [], chosen: -1, past: [], subject: null, words: "", each: [] },
    change(shapes, chosen) {
      form.state.past.push(form.state.shapes);
      form.put(shapes, chosen);
    },
    put(shapes, chosen) {
      Object.assign(form.state, { shapes, chosen: Math.min(chosen, shapes.length - 1) });
      form.draw();
      form.say(shapes);
    },
    replace: (number, shape) => form.change(form.state.shapes.with(number, shape), number),
    addBox: () => form.change([...form.state.shapes, { kind: "box", points: [[0.35, 0.35], [0.65, 0.65]], radius: 0 }], form.state.shapes.length),
    drop(number) {
      if (form.state.shapes[number]) form.change(form.state.shapes.toSpliced(number, 1), number ? number - 1 : 0);
    },
    undo() {
      const before = form.state.past.pop();
      if (before) form.put(before, before.length - 1);
    },
  };
  return form;
}

/** The line above: tools, and what takes back. */
function makeTools(form) {
  const { state } = form;
  const choose = (tool) => {
    state.tool = tool;
    form.draw();
  };
  const tools = TOOLS.map(([tool, name, key]) => h("button", { type: "button", "data-tool": tool, "aria-pressed": "false", "aria-keyshortcuts": key, onclick: () => choose(tool) }, name));
  const width = h("input", { type: "range", min: "0.005", max: "0.12", step: "0.005", value: String(state.radius), "aria-label": "Width of the brush", oninput: () => (state.radius = Number(width.value)) });
  const undo = button("Undo", "undo", () => form.undo(), { key: "u" });
  const clear = button("Clear", "cross", () => form.change([], -1));
  return {
    element: h("header.rg-bar.nbb-bar", {}, h("h2", {}, "Region"), h("div.rg-tools.nbb-segments", { role: "group", "aria-label": "Draw with" }, tools), width, h("div.rg-back.nbb-row.nbb-end", {}, button("Add a box", "plus", () => form.addBox(), { key: "Enter" }), undo, clear)),
    choose,
    draw() {
      for (const one of tools) one.setAttribute("aria-pressed", String(one.dataset.tool === state.tool));
      width.hidden = state.tool !== "brush";
      undo.disabled = state.past.length === 0;
      clear.disabled = state.shapes.length === 0;
    },
  };
}

/** The edges of the chosen box as numbers, for those who do not draw. */
function makeNumbers(form) {
  const names = ["left", "top", "right", "bottom"];
  /** The field that is being written into: what Python says meanwhile must not write over it. */
  let written = null;
  const fields = names.map((name) => h("input", { type: "number", min: "0", max: "100", step: "1", oninput: (event) => (written = event.target), onchange: () => take(), "aria-label": `${name}, in per cent of the picture` }));
  const take = () => {
    written = null;
    const [left, top, right, bottom] = fields.map((field) => part(Number(field.value) / 100));
    form.replace(form.state.chosen, { kind: "box", radius: 0, points: [[Math.min(left, right), Math.min(top, bottom)], [Math.max(left, right), Math.max(top, bottom)]] });
  };
  const element = h("div.rg-numbers", { role: "group", "aria-label": "Edges of the chosen box" }, names.map((name, place) => h("label.nbb-small", {}, h("span.nbb-quiet", {}, `${name}, %`), fields[place])));
  return {
    element,
    draw() {
      const shape = form.state.shapes[form.state.chosen];
      element.hidden = shape?.kind !== "box";
      if (element.hidden) return;
      const box = boundsOf(shape.points);
      names.forEach((name, place) => {
        if (fields[place] !== written) fields[place].value = String(Math.round(box[name] * 100));
      });
    },
  };
}

/** What was drawn, in words: all of it, and each shape. */
function makeList(form) {
  const { state } = form;
  const words = h("p.rg-words");
  const copy = button("Copy the words", "copy", () => copyWords(), { boxed: true });
  const copied = h("span.nbb-quiet.nbb-small", { role: "status" });
  const list = h("ol.rg-list");
  const models = h("p.rg-models.nbb-quiet.nbb-small");
  const numbers = makeNumbers(form);
  async function copyWords() {
    try {
      await navigator.clipboard.writeText(state.words);
      fill(copied, "Copied.");
    } catch {
      getSelection()?.selectAllChildren(words);
      fill(copied, "Chosen: press Ctrl+C.");
    }
  }
  const row = (shape, number) => {
    const name = TOOLS.find(([tool]) => tool === shape.kind)[1];
    const pick = h("button.rg-pick", { type: "button", "aria-pressed": String(number === state.chosen), onclick: () => {
      state.chosen = number;
      form.draw();
    } }, h("span.nbb-quiet", {}, name), h("span.rg-said"));
    return h("li", {}, pick, h("button.nbb-icon", { type: "button", "aria-label": `Take away ${name.toLowerCase()} ${number + 1}`, onclick: () => form.drop(number) }, "×"));
  };
  return {
    element: h("div.rg-side.nbb-stack", {}, h("section", { "aria-label": "In words" }, h("h3", {}, "In words"), words, h("div.rg-copy.nbb-row", {}, copy, copied), models), h("section", { "aria-label": "Drawn" }, h("h3", {}, "Drawn"), list, numbers.element)),
    tell() {
      fill(words, state.shapes.length ? state.words || "…" : h("span.nbb-quiet", {}, "Draw on the picture, or add a box and move it with the arrows."));
      copy.disabled = !state.words;
      list.querySelectorAll(".rg-said").forEach((said, number) => fill(said, state.each[number] ?? "…"));
    },
    draw() {
      fill(models, state.subject?.models ? `As a mask it can go to ${state.subject.models}; other models take the words.` : "");
      fill(copied);
      const at = list.contains(form.root.getRootNode().activeElement) ? [...list.querySelectorAll("button")].indexOf(form.root.getRootNode().activeElement) : -1;
      fill(list, state.shapes.map(row));
      this.tell();
      if (at >= 0) (list.querySelectorAll("button")[at] ?? form.surface.element).focus();
      numbers.draw();
    },
  };
}

/** The form in an element; returns what ends it. @param {{model: any, el: HTMLElement}} context */
export function renderRegion(context) {
  const form = makeRegion();
  const { state } = form;
  const pictures = album();
  form.surface = makeSurface(form);
  const tools = makeTools(form);
  const list = makeList(form);
  const { trouble, waits, complain } = makeNotices("rg");
  let settling = 0;
  let drawn = 0;
  form.draw = () => [form.surface, tools, list].forEach((one) => one.draw());

  const handlers = {
    subject: (message) => {
      state.subject = message;
      form.surface.subject(message);
      list.draw();
    },
    shapes: (message) => {
      if ((message.seen[line.view] ?? 0) < drawn) return; // Python has not seen what was drawn meanwhile
      Object.assign(state, { shapes: message.shapes, chosen: message.shapes.length - 1, past: [] });
      form.draw();
    },
    words: (message) => {
      Object.assign(state, { words: message.words, each: message.each });
      trouble.hidden = true;
      list.tell();
      fill(form.live, state.shapes.length ? `${count(state.shapes.length, "shape")}: ${state.words}` : "Nothing is drawn.");
    },
    picture: (_message, buffers) => {
      pictures.add("picture", buffers[0]);
      form.surface.show(pictures.show(new Image(), "picture").src);
    },
    error: complain,
  };
  const line = mount(context, form.root, handlers, waits);
  form.say = (shapes) => {
    drawn += 1;
    line.say("shapes", { shapes, count: drawn });
    clearTimeout(settling);
    settling = window.setTimeout(() => line.say("settled"), SETTLE);
  };
  const keys = { u: () => form.undo(), ...Object.fromEntries(TOOLS.map(([tool, , key]) => [key, () => tools.choose(tool)])) };
  form.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0].matches("input")) return;
    if (keys[event.key]) keys[event.key]();
  });
  fill(form.root, tools.element, waits, trouble, h("div.rg-body", {}, h("div.rg-stage", {}, form.surface.element), list.element), keyHints(DRAWING_KEYS), form.live);
  form.draw();
  line.say("hello");
  return () => {
    clearTimeout(settling);
    line.end();
    pictures.end();
  };
}
