// The Studio's front end: the frame, the parts in it, and what is said between them and Python.

import { fill, h, tried } from "../shared/dom.js";
import { makeBar, makeSaid, makeTrouble } from "./bar.js";
import { album } from "../shared/link.js";
import { makeComparisonPlace, mount } from "../shared/frame.js";
import { makeViewer } from "../shared/viewer.js";
import { makeInputs } from "./inputs.js";
import { makeFields } from "./fields.js";
import { makeParts } from "./parts.js";
import { makeAdvice } from "./advice.js";
import { makeFoot, makeService } from "./foot.js";
import { makeTasks } from "./tasks.js";
import { makeGrid } from "./grid.js";
import { makePast } from "./past.js";
import { makeCopier, makeKeys } from "./keys.js";
import { makeEmbedded } from "./embedded.js";

/** Milliseconds after the last letter until the words are told. */
const PAUSE = 250;
/** What is said without anybody having acted, so that a message of trouble stays. */
const SILENT = new Set(["hello", "words", "parts", "select", "look", "search", "older", "embedded", "price of vary", "view"]);

let forms = 0;

/** What all parts share: the line, the pictures, names for labels, and ways to say something. */
function makeForm() {
  forms += 1;
  const prefix = `nbb${forms}`;
  const live = h("p.nbb-unseen", { "aria-live": "polite", role: "status" });
  const root = h("section.nbb.nbb-studio", { "aria-label": "Studio" });
  const form = {
    root,
    live,
    album: album(),
    id: (name) => `${prefix}-${name}`,
    active: () => root.getRootNode().activeElement,
    announce: (words) => fill(live, words),
    note: (words) => form.said.show(words, false),
    complain: (error) => form.trouble.show(error),
    trouble: makeTrouble(),
  };
  form.said = makeSaid(form);
  return form;
}

/** The words: the reader writes them here and Python may change them, but never what was typed meanwhile. */
function makePrompt(form) {
  let written = 0;
  let timer = 0;
  let isTold = false;
  let grown = "";
  const area = h("textarea", { rows: "2", id: form.id("prompt"), placeholder: "Keep … unchanged. Change …", oninput: () => {
    written += 1;
    form.compareRegion();
    grow();
    clearTimeout(timer);
    timer = window.setTimeout(sendWords, PAUSE);
  } });
  const sendWords = () => {
    clearTimeout(timer);
    timer = 0;
    form.say("words", { text: area.value, count: written });
  };
  /** As high as the words, as far as the sheet lets it; a reader's own height stays. */
  const grow = () => {
    if (area.style.height && area.style.height !== grown) return;
    area.style.height = "auto";
    grown = area.style.height = area.scrollHeight ? `${area.scrollHeight + 2}px` : "";
  };
  const put = (words) => {
    area.value = words;
    form.compareRegion();
    grow();
  };
  const head = h("div.st-head.nbb-row", {}, h("label.st-title", { for: form.id("prompt") }, "Prompt"));
  return {
    element: h("section.st-part", {}, head, area),
    head,
    area,
    /** Tell what is not told yet, so that what is asked next finds the words as they are. */
    flush() {
      if (timer) sendWords();
    },
    now() {
      clearTimeout(timer);
      timer = 0;
      return { text: area.value, count: written };
    },
    /** Put words in at the caret, with the spaces that they need. */
    insert(words) {
      const { selectionStart: from, selectionEnd: to, value } = area;
      const before = from > 0 && !/\s/.test(value[from - 1]) ? " " : "";
      const after = to < value.length && !/[\s.,;:!?]/.test(value[to]) ? " " : "";
      area.focus();
      area.setRangeText(before + words + after, from, to, "end");
      form.compareRegion();
      grow();
      written += 1;
      sendWords();
    },
    /** Whether what stands here is what Python has, or the reader's own: before, it would wipe the words there. */
    get isKnown() {
      return isTold || written > 0;
    },
    update(state) {
      isTold = true;
      if ((state.seen[form.here()] ?? 0) >= written && area.value !== state.prompt) put(state.prompt);
      const words = area.value ? "" : left.take();
      if (!words) return;
      put(words);
      written += 1;
      sendWords();
      form.note("Your prompt from before the restart is back.");
    },
    /** Another view of the same form was written in. */
    receive(message) {
      if (message.view !== form.here() && !timer && area.value !== message.prompt) put(message.prompt);
    },
    /** The kernel went away: keep the words for the form that comes in the place of this one. */
    keep: () => left.put(area.value),
  };
}

/** Words that a form left whose kernel went away, kept in this tab for the next one of the notebook. */
const left = {
  name: () => `nbbanana words of ${location.pathname}`,
  /** A host without storage keeps none: the words stand in the old form until its cell is run. */
  put: (words) => words.trim() && tried(() => sessionStorage.setItem(left.name(), words)),
  take() {
    const words = tried(() => sessionStorage.getItem(left.name()));
    tried(() => sessionStorage.removeItem(left.name()));
    return words ?? "";
  },
};

/** A fresh form offers to go on with the newest edit of its notebook. */
function makeGoOn(form) {
  const go = h("button.nbb-boxed", { type: "button", onclick: () => form.say("go on", { edit: Number(go.dataset.edit) }) });
  const words = h("span.nbb-quiet.nbb-clip");
  const element = h("div.st-go-on.nbb-line.nbb-small", { hidden: true }, go, words);
  return {
    element,
    update(state) {
      element.hidden = state.newest === null;
      if (state.newest === null) return;
      go.dataset.edit = state.newest.edit;
      fill(go, `Go on with edit ${state.newest.edit}`);
      fill(words, state.newest.prompt);
      words.title = "Its pictures, prompt and options come into the form";
    },
  };
}

function render(context) {
  const form = makeForm();
  const prompt = makePrompt(form);
  const advice = makeAdvice(form, prompt.area);
  prompt.element.append(advice.element);
  const parts = makeParts(form, prompt.flush);
  prompt.head.append(parts.start.element);
  prompt.element.append(parts.element);
  const inputs = makeInputs(form, prompt.insert);
  const fields = makeFields(form);
  const service = makeService(form, () => grid.forgetPrices());
  const foot = makeFoot(form, service.element);
  const tasks = makeTasks(form);
  const grid = makeGrid(form);
  const past = makePast(form);
  const keys = makeKeys(form, { grid, past });
  const copier = makeCopier(form);
  const bar = makeBar(form, keys);
  const comparison = makeComparisonPlace(context.host, form.complain);
  const pointing = h("div.st-embedded");
  const embedded = makeEmbedded(form, {
    region: { host: pointing, title: "The model does not see this drawing. Add its words to the prompt.", close: "Done" },
    browser: { host: past.browser, title: "", close: "Back to the strip", onshow: () => past.browse(true), onhide: () => past.browse(false) },
  });
  const goOn = makeGoOn(form);
  const viewer = makeViewer({
    id: form.id,
    say: (kind, content) => form.say(kind, content),
    compare: ({ edit, index }) => form.say("compare", { pictures: [[edit, index]] }),
    thumbnail: (image, { edit, index }) => grid.picture(image, edit, index),
  });
  form.view = viewer.open;
  let region = "";
  form.compareRegion = () => {
    foot.warn(region !== "" && !prompt.area.value.includes(region));
    parts.compare(prompt.area.value);
  };
  const waits = h("p.nbb-trouble.st-waits", { role: "status", hidden: true });

  const handlers = {
    form: (message) => {
      form.root.classList.toggle("is-public", message.public);
      region = message.values[message.mask] === "region" ? "" : (message.region?.words ?? "");
      [bar, prompt, parts, parts.start, inputs, fields, goOn, service].forEach((part) => part.update(message));
      form.compareRegion();
    },
    price: foot.update,
    advice: advice.update,
    task: tasks.put,
    gone: (message) => tasks.drop(message.key),
    results: (message) => grid.update(message.groups),
    past: past.update,
    detail: past.detail,
    picture: (message, buffers) => form.album.add(message.key, buffers[0]),
    words: prompt.receive,
    write: () => prompt.area.focus(),
    "price of vary": (message) => grid.price(message.edit, message.amount),
    facts: viewer.facts,
    large: (message, buffers) => viewer.receive(message, buffers[0]),
    said: (message) => (viewer.isOpen ? viewer.said(message.text) : form.said.show(message.text, message.undo)),
    cell: (message) => copier.copy(message.text, message.what),
    compare: (message) => comparison.show(message.model),
    opened: (message) => embedded.show(message.name),
    embedded: embedded.receive,
    left: (message) => embedded.leave(message.name),
    error: (message) => form.complain(message),
  };
  const line = mount(context, form.root, handlers, waits, prompt.keep);
  form.here = () => line.view;
  form.say = (kind, content, buffers) => {
    if (!SILENT.has(kind)) {
      form.trouble.clear();
      form.said.hide();
      prompt.flush();
    }
    line.say(kind, content, buffers);
  };
  form.insertRegion = () => prompt.insert(region);
  form.run = (isSure = false) => {
    if (prompt.isKnown && (isSure || !foot.asksAboutRegion())) form.say("run", parts.flush() ? { text: null } : prompt.now());
  };

  fill(
    form.root,
    bar.element,
    waits,
    h("div.st-body", {}, h("div.st-ask.nbb-stack", {}, goOn.element, inputs.element, prompt.element, foot.element, fields.element), h("div.st-made.nbb-stack", {}, pointing, comparison.element, tasks.element, form.trouble.at("results"), grid.element)),
    past.element,
    keys.foot,
    keys.help,
    copier.element,
    viewer.element,
    form.live,
  );
  form.root.addEventListener("keydown", keys.onkeydown);
  form.say("hello");
  return () => [form.said, line, comparison, embedded, tasks, viewer, form.album].forEach((one) => one.end());
}

export default { render };
