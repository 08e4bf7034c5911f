// A picture seen large: whole or with its true pixels, moved and zoomed, its input while Space is held, where it changed,
// its words beside.

import { button, download, files, fill, h } from "./dom.js";
import { exactZoom, keptView, percent, placeOf, zoomedView } from "./view.js";

/** Pictures with all their pixels that are kept, and the part of the stage that an arrow key moves the picture. */
const KEPT = 6;
const PAN = 0.15;

/**
 * @typedef {{edit: number, index: number}} Ref
 * @param {{say: (kind: string, content: any) => void, thumbnail: (image: HTMLImageElement, ref: Ref) => void, compare?: (ref: Ref) => void, isInline?: boolean, id: (name: string) => string}} options
 *   `say` gets `view` with `facts`, `full`, `input`, `heat` or `file`, and what comes is given to `receive`; until then
 *   `thumbnail` shows a small copy; `compare` shows a picture beside its input
 */
export function makeViewer({ say, thumbnail, compare, isInline = false, id }) {
  const state = { refs: [], place: 0, facts: null, view: { x: 0.5, y: 0.5, zoom: 1 }, isInput: false, isHeat: false };
  /** @type {Map<string, string>} addresses of what came, the newest last */
  const came = new Map();
  const asked = new Set();
  const image = h("img.vw-picture", { alt: "", draggable: "false" });
  const input = h("img.vw-picture.vw-input", { alt: "", draggable: "false", hidden: true });
  const heat = h("img.vw-picture.vw-heat", { alt: "", draggable: "false", hidden: true });
  const stage = h("div.vw-stage.nbb-inset", { tabindex: "0", role: "group", "aria-label": "Picture", onpointerdown: press, onwheel: wheel, ondblclick: (event) => toggle(within(event)) }, image, heat, input);
  const scale = h("output.vw-scale.nbb-figures", { "aria-label": "Scale" });
  const name = h("h2.nbb-mono", { id: id("viewer") });
  const words = h("p.vw-words", { dir: "auto" });
  const facts = h("dl.vw-facts.nbb-facts.nbb-figures");
  const said = h("p.nbb-quiet.nbb-small", { role: "status" });
  const hold = button("Input", null, () => undefined, { boxed: true, title: "Hold to see the input picture", key: "Space" });
  hold.addEventListener("pointerdown", () => peek(true));
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) hold.addEventListener(end, () => peek(false));
  const changed = button("What changed", null, () => warm(), { boxed: true, title: "Where it changed, the brighter the more", key: "h" });
  const beside = button("Compare", "compare", contrast, { title: "Compare it with its input picture", key: "c" });
  const back = button("Previous picture", "older", () => step(-1), { bare: true, key: "PageUp" });
  const next = button("Next picture", "fold", () => step(1), { bare: true, key: "PageDown" });
  const sign = (text, title, factor) => h("button.nbb-icon", { type: "button", "aria-label": title, title, onclick: () => zoom(factor) }, text);
  const counter = h("span.nbb-quiet.nbb-small.nbb-figures");
  const close = button("Close", "cross", () => dialog?.close(), { bare: true, boxed: true });
  const frame = h(
    "div.vw-frame",
    {},
    h("header.vw-bar.nbb-bar", {}, name, back, counter, next, h("span.vw-zooms.nbb-row", { role: "group", "aria-label": "Zoom" }, sign("−", "Zoom out", 1 / 1.5), scale, sign("+", "Zoom in", 1.5), button("Whole", null, () => look(1), { key: "0" }), button("1:1", null, () => look(exact()), { title: "True pixels", key: "1" })), h("span.vw-tools.nbb-row.nbb-end", {}, hold, changed, compare && beside, button("Full screen", null, full, { key: "f" }), files(button("Save", "save", () => save(), { title: "Write it into the notebook's folder" })), button("Download", null, load, { title: "Load the file into this browser's downloads", key: "d" }), isInline ? null : close)),
    stage,
    h("aside.vw-side", { "aria-label": "How it was made" }, words, facts, said),
  );
  const element = h("div.vw", { onkeydown, onkeyup: (event) => event.key === " " && peek(false) }, frame);
  const dialog = isInline ? null : h("dialog.vw-dialog", { "aria-labelledby": id("viewer"), onclose: () => fill(dialog) });
  // Kept: to read it while the picture moves would lay out the page in every frame.
  let pane = { width: 0, height: 0 };
  const observer = new ResizeObserver(() => {
    pane = { width: stage.clientWidth, height: stage.clientHeight };
    draw();
  });
  observer.observe(stage);
  /** @type {Map<number, {x: number, y: number}>} the pointers that are down */
  const pointers = new Map();

  const ref = () => state.refs[state.place];
  const ask = (what) => say("view", { ...ref(), what });
  const save = () => say("save", ref());
  const keyOf = (what, { edit, index } = ref()) => `${what} ${edit} ${index}`;
  const exact = () => exactZoom(pane, state.facts);

  // ── what is shown ───────────────────────────────────────────────────────────────────────────────────────

  function want(what) {
    if (came.has(keyOf(what)) || asked.has(keyOf(what))) return;
    asked.add(keyOf(what));
    ask(what);
  }

  function show(place) {
    state.place = Math.min(Math.max(place, 0), state.refs.length - 1);
    state.facts = null;
    state.view = { x: 0.5, y: 0.5, zoom: 1 };
    peek(false);
    for (const one of [image, input, heat]) for (const key of ["src", "data-key"]) one.removeAttribute(key);
    heat.hidden = true;
    if (came.has(keyOf("full"))) put(image, came.get(keyOf("full")));
    else thumbnail(image, ref());
    fill(said);
    ask("facts");
    want("full");
    fill(counter, `${state.place + 1} / ${state.refs.length}`);
    back.disabled = state.place === 0;
    next.disabled = state.place === state.refs.length - 1;
  }

  /** A smaller copy that comes late must not take its place: it is no longer waited for. */
  function put(where, url) {
    delete where.dataset.key;
    where.src = url;
  }

  function draw() {
    if (!state.facts || !pane.width) return;
    state.view = keptView(pane, [state.facts], state.view);
    const { left, top, width, height, scale: now } = placeOf(pane, state.facts, state.view);
    for (const one of [image, heat, input]) Object.assign(one.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)` });
    image.classList.toggle("is-coarse", now * devicePixelRatio >= 4);
    stage.classList.toggle("is-close", state.view.zoom > 1);
    if (scale.textContent !== percent(now)) fill(scale, percent(now));
  }

  function peek(isOn) {
    if (isOn && (!state.facts?.input || state.isInput)) return;
    state.isInput = isOn;
    input.hidden = !isOn;
    hold.setAttribute("aria-pressed", String(isOn));
    if (isOn) want("input");
  }

  /** Lay the heat map over the picture, or take it away. It stays for the pictures that are looked at next. */
  function warm(isOn = !state.isHeat) {
    state.isHeat = isOn;
    const isThere = isOn && Boolean(state.facts?.heat);
    heat.hidden = !isThere;
    changed.setAttribute("aria-pressed", String(isThere));
    if (!isThere) return;
    if (came.has(keyOf("heat"))) put(heat, came.get(keyOf("heat")));
    else want("heat");
  }

  function step(by) {
    if (state.refs[state.place + by]) show(state.place + by);
  }

  // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────

  const within = (event, box = stage.getBoundingClientRect()) => ({ x: event.clientX - box.left, y: event.clientY - box.top });

  function zoom(factor, point = { x: pane.width / 2, y: pane.height / 2 }) {
    if (!state.facts) return;
    state.view = zoomedView(pane, state.facts, state.view, factor, point);
    draw();
  }

  const look = (to, point) => state.facts && zoom(to / state.view.zoom, point);
  /** Between whole and true pixels; a picture that is smaller than the stage has them at once. */
  const toggle = (point) => look(state.view.zoom === 1 ? Math.max(exact(), exact() < 1 ? exact() : 1.5) : 1, point);

  function move(right, down) {
    if (!state.facts) return;
    const { width, height } = placeOf(pane, state.facts, state.view);
    state.view = { ...state.view, x: state.view.x - right / width, y: state.view.y - down / height };
    draw();
  }

  function wheel(event) {
    // In a page the wheel is the page's; a pinch of a trackpad comes with Ctrl.
    if (isInline && !document.fullscreenElement && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), within(event));
  }

  function press(event) {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    const box = stage.getBoundingClientRect();
    pointers.set(event.pointerId, within(event, box));
    const moved = (now) => {
      const before = pointers.get(now.pointerId);
      const other = [...pointers].find(([one]) => one !== now.pointerId)?.[1];
      const point = within(now, box);
      pointers.set(now.pointerId, point);
      if (!before) return;
      if (!other) return move(point.x - before.x, point.y - before.y);
      const far = (one) => Math.hypot(one.x - other.x, one.y - other.y);
      zoom(far(point) / Math.max(1, far(before)), { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    };
    if (pointers.size > 1) return;
    const held = new AbortController();
    const over = (end) => {
      pointers.delete(end.pointerId);
      if (!pointers.size) held.abort();
    };
    stage.addEventListener("pointermove", moved, { signal: held.signal });
    for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, over, { signal: held.signal });
  }

  function onkeydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const isButton = event.composedPath()[0].matches("button");
    const acts = { "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => look(1), 1: () => look(exact()), f: full, d: load, c: contrast, h: () => changed.hidden || warm(), s: save, PageUp: () => step(-1), PageDown: () => step(1) };
    if (way && state.view.zoom > 1) move(way[0] * PAN * pane.width, way[1] * PAN * pane.height);
    else if (way) step(way[0] ? -way[0] : 0);
    else if (event.key === " " && !isButton) peek(true);
    else if (acts[event.key] && !event.repeat) acts[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ── doing something with it ─────────────────────────────────────────────────────────────────────────────

  function full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else element.requestFullscreen().catch(() => fill(said, "This page does not allow full screen."));
  }

  function load() {
    fill(said, "The file is on its way.");
    ask("file");
  }

  function contrast() {
    if (!compare || beside.hidden) return;
    if (document.fullscreenElement) document.exitFullscreen();
    dialog?.close();
    compare(ref());
  }

  function keep(key, url) {
    came.set(key, url);
    for (const [old, address] of came) {
      if (came.size <= KEPT || ["full", "input", "heat"].some((what) => old === keyOf(what))) continue;
      URL.revokeObjectURL(address);
      came.delete(old);
      asked.delete(old);
    }
  }

  return {
    element: dialog ?? element,
    /** Show these pictures, beginning with one. @param {Ref[]} refs @param {number} [place] */
    open(refs, place = 0) {
      state.refs = refs;
      if (dialog && !dialog.open) {
        fill(dialog, element);
        dialog.showModal();
      }
      show(place);
      if (dialog) stage.focus();
    },
    /** What stands beside the picture. */
    facts(message) {
      if (message.edit !== ref()?.edit || message.index !== ref()?.index) return;
      state.facts = message;
      image.alt = `${message.name}: ${message.prompt}`;
      input.alt = message.input ?? "";
      fill(name, message.name);
      fill(words, message.prompt);
      fill(facts, message.facts.map(([fact, value]) => h("div", {}, h("dt.nbb-quiet", {}, fact), h("dd", {}, value))));
      hold.hidden = beside.hidden = message.input === null;
      heat.alt = message.changed ? `Where it changed, the brighter the more. ${message.changed}` : "";
      changed.hidden = !message.heat;
      warm(state.isHeat);
      draw();
    },
    /** Pixels that were asked for; they take the place of a smaller copy once they are decoded. */
    async receive({ edit, index, what, name: file }, bytes) {
      if (what === "file") {
        download(bytes, file);
        return fill(said, `Downloaded as ${file}.`);
      }
      const key = keyOf(what, { edit, index });
      const url = URL.createObjectURL(new Blob([bytes]));
      const ready = Object.assign(new Image(), { src: url });
      await ready.decode();
      keep(key, url);
      if (ref()?.edit === edit && ref()?.index === index) put({ input, heat }[what] ?? image, url);
    },
    said: (text) => fill(said, text),
    get isOpen() {
      return dialog === null || dialog.open;
    },
    end() {
      observer.disconnect();
      for (const url of came.values()) URL.revokeObjectURL(url);
    },
  };
}
