// The line to the other half of the form: messages with an answer expected, and pictures that come as bytes.

import { fill } from "./dom.js";

/** Milliseconds without an answer after which the form says so and asks after it, again and again with longer pauses. */
const PATIENCE = 1500;
const LONGEST = 20000;
/** What stands in the way, as the form says it. */
const BUSY = "The kernel has not answered yet: it is busy with a cell, and does this after it. If it was restarted, run this cell again.";
const GONE = "The kernel restarted. Run this cell again to go on; your prompt is kept. %nbresume gets the pictures of jobs that were running.";
const LOCKED = "Another process is writing to the store. What you do waits for it; nothing is lost.";

/**
 * A line to Python.
 * @param {any} model the widget's model: `send`, `on`, `off`
 * @param {(message: any, buffers: DataView[]) => void} receive
 * @param {HTMLElement} waits where it is said what stands in the way; hidden while nothing does
 * @param {() => void} [ongone] the kernel went away under the form
 */
export function link(model, receive, waits, ongone = () => undefined) {
  const view = `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
  let number = 0;
  let timer = 0;
  let pause = PATIENCE;
  let isLong = false;
  let isLocked = false;
  let isGone = false;
  /** @type {Map<number, {content: any, buffers: ArrayBuffer[]}>} what was said and has no answer yet */
  const owed = new Map();
  const show = () => {
    const words = isGone ? GONE : isLocked ? LOCKED : isLong ? BUSY : "";
    waits.hidden = !words;
    if (waits.textContent !== words) fill(waits, words);
  };
  const watch = () => {
    clearTimeout(timer);
    pause = PATIENCE;
    if (owed.size > 0) timer = window.setTimeout(late, pause);
    else isLong = false;
    show();
  };
  // A busy kernel has it in its queue; one that dropped it, or left it lying, is told so. Nothing is done twice there.
  const late = () => {
    isLong = owed.size > 0;
    show();
    if (!isLong || isGone) return;
    post({ kind: "ping", view, numbers: [...owed.keys()] });
    pause = Math.min(2 * pause, LONGEST);
    timer = window.setTimeout(late, pause);
  };
  const post = (content, buffers = []) => {
    try {
      // Its promise, where there is one, fails when the kernel is gone: the missing answer says so.
      Promise.resolve(model.send(content, undefined, buffers)).catch(() => undefined);
    } catch {
      isLong = true;
      show();
    }
  };
  const again = (one) => {
    const said = owed.get(one);
    if (said) post(said.content, said.buffers);
  };
  // Jupyter's widget manager tells a model once its kernel restarts; other hosts take the form away.
  const lost = () => {
    isGone = true;
    show();
    ongone();
  };
  const listen = (message, buffers) => {
    if (message.kind === "locked") {
      isLocked = message.on;
      return show();
    }
    if (message.kind !== "ack") return receive(message, buffers ?? []);
    if (message.view !== view) return;
    message.numbers.forEach((one) => owed.delete(one));
    message.missed.forEach(again);
    watch();
  };
  model.on("msg:custom", listen);
  model.on("comm_live_update", lost);
  return {
    view,
    /** @param {string} kind @param {Record<string, any>} [content] @param {ArrayBuffer[]} [buffers] */
    say(kind, content = {}, buffers = []) {
      number += 1;
      const said = { content: { ...content, kind, number, view }, buffers };
      owed.set(number, said);
      watch();
      post(said.content, buffers);
    },
    end() {
      clearTimeout(timer);
      model.off("msg:custom", listen);
      model.off("comm_live_update", lost);
    },
  };
}

/**
 * Pictures by their key, as addresses that an `<img>` takes; they are let go together.
 * @param {number} [most] how many are kept; beyond that the oldest go, but none that is shown
 * @param {() => ParentNode} [where] what shows them
 * @param {(keys: string[]) => void} [ondrop] these went; whoever wants them again has to ask for them
 */
export function album(most = Infinity, where = () => document, ondrop = () => undefined) {
  /** @type {Map<string, string>} */
  const urls = new Map();
  function thin() {
    const shown = new Set([...where().querySelectorAll("img")].map((image) => image.src));
    const gone = [];
    for (const [key, url] of urls) {
      if (urls.size <= 0.8 * most) break;
      if (shown.has(url)) continue;
      URL.revokeObjectURL(url);
      urls.delete(key);
      gone.push(key);
    }
    ondrop(gone);
  }
  /** @type {Map<string, Set<HTMLImageElement>>} */
  const waiting = new Map();
  return {
    /** @param {string} key @param {DataView} bytes */
    add(key, bytes) {
      if (!urls.has(key)) urls.set(key, URL.createObjectURL(new Blob([bytes])));
      for (const image of waiting.get(key) ?? []) if (image.dataset.key === key) image.src = urls.get(key) ?? "";
      waiting.delete(key);
      if (urls.size > most) thin();
    },
    /** Another copy of a picture that is shown, such as one with more pixels; swapped once it is decoded. */
    async replace(key, bytes) {
      const before = urls.get(key);
      const url = URL.createObjectURL(new Blob([bytes]));
      const image = Object.assign(new Image(), { src: url });
      await image.decode();
      urls.set(key, url);
      for (const shown of where().querySelectorAll("img")) if (shown.src === before) shown.src = url;
      if (before) URL.revokeObjectURL(before);
    },
    /** Show a picture in an `<img>`, now or, unless that has another `data-key` by then, once it is there. */
    show(image, key) {
      image.dataset.key = key;
      if (urls.has(key)) image.src = urls.get(key) ?? "";
      else waiting.set(key, (waiting.get(key) ?? new Set()).add(image));
      return image;
    },
    end() {
      for (const url of urls.values()) URL.revokeObjectURL(url);
      urls.clear();
      waiting.clear();
    },
  };
}

/** Hide the form's still as long as the live form is there; returns what shows it again. */
export function hideStill(uid) {
  const style = document.createElement("style");
  style.textContent = `.nbb-still-${uid}, .jp-OutputArea-child:has(.nbb-still-${uid}) { display: none !important; }`;
  document.head.append(style);
  return () => style.remove();
}
