// The pictures: panes with one or more pictures on each other, all showing the same area.

import { fill, follow, h } from "../shared/dom.js";
import { exactZoom, keptView, percent, placeOf, wholeScale, zoomedView } from "../shared/view.js";
import { makeDetails } from "./details.js";
import { badge, letter } from "./words.js";

/** Parts of the pane that a key moves the view, or the divider. */
const STEP = 0.05;

/** What a pane holds in each way of comparing, as numbers of pictures. */
const PANES = {
  slider: ({ left, right }) => [[left, right]],
  side: (_state, many) => many.map((number) => [number]),
  flicker: (_state, many) => [many],
  difference: ({ left, right }) => [[left, right]],
};

/** @param {any} form what the parts share: `state`, `data`, `album`, `changed()` */
export function makeStage(form) {
  const element = h("div.cp-stage", { role: "group", "aria-label": "Pictures" });
  const state = form.state;
  /** @type {{element: any, layers: {number: number, image: any, chip: any}[]}[]} */
  let panes = [];
  let divider = h("div");
  const details = makeDetails(form, pull);
  const observer = new ResizeObserver(() => draw());
  observer.observe(element);

  const sizeOf = (number) => form.data.sides[number];
  const paneSize = () => {
    const box = panes[0]?.element.getBoundingClientRect();
    return box && box.width && box.height ? { width: box.width, height: box.height } : null;
  };

  function makeLayer(number) {
    const side = sizeOf(number);
    const heat = state.isHot && number === state.right ? form.heatKey() : "";
    const alt = `${letter(number)}: ${heat ? "where it changed, the brighter the more" : side.caption}`;
    const image = h("img.cp-picture", { alt, draggable: "false" });
    form.album.show(image, heat || String(number));
    return { number, image, chip: h("span.cp-chip", {}, badge(number), h("span.nbb-figures")) };
  }

  function makePane(numbers) {
    const layers = numbers.map(makeLayer);
    const pane = h(
      "div.cp-pane",
      { tabindex: "0", role: "group", "data-way": state.way, "aria-label": nameOf(numbers), onkeydown: (event) => walk(event), onpointerdown: (event) => drag(event, pane), onwheel: (event) => wheel(event, pane), ondblclick: (event) => closer(event, pane) },
      h("div.cp-layers", {}, layers.map((layer) => layer.image)),
      h("div.cp-chips", { "aria-hidden": "true" }, layers.map((layer) => layer.chip)),
    );
    return { element: pane, layers };
  }

  function nameOf(numbers) {
    const names = numbers.map((number) => `${letter(number)}, ${sizeOf(number).label}`).join("; ");
    return `${names}. Arrows move the view or the details, plus and minus zoom.`;
  }

  /** Make the panes anew: another way of comparing, or another pair. */
  function build() {
    const hadFocus = element.contains(element.getRootNode().activeElement);
    const many = form.data.sides.map((_, number) => number);
    panes = PANES[state.way](state, many).map(makePane);
    const widest = Math.max(...panes.flatMap((pane) => pane.layers.map(({ number }) => sizeOf(number).width / sizeOf(number).height)));
    element.style.setProperty("--cp-ratio", String(widest));
    element.style.setProperty("--cp-many", String(panes.length));
    element.dataset.way = state.way;
    divider = h("div.cp-divider", { tabindex: "0", role: "slider", "aria-label": `Divider between ${letter(state.left)} and ${letter(state.right)}`, "aria-valuemin": "0", "aria-valuemax": "100", onkeydown: slide, onpointerdown: (event) => grab(event) }, h("span.cp-knob", { "aria-hidden": "true" }, "‹ ›"));
    const isSlider = state.way === "slider";
    details.build(isSlider ? [state.left, state.right] : []);
    if (isSlider) panes[0].element.append(details.spot, divider);
    fill(element, panes.map((pane) => pane.element), details.element);
    if (hadFocus) panes[0].element.focus({ preventScroll: true });
    draw();
  }

  /** Put everything in its place. */
  function draw() {
    const pane = paneSize();
    if (!pane) return;
    state.view = keptView(pane, panes.flatMap(({ layers }) => layers.map(({ number }) => sizeOf(number))), state.view);
    // Where all have one scale, the bar says it.
    const sizes = panes.flatMap(({ layers }) => layers.map(({ number }) => percent(placeOf(pane, sizeOf(number), state.view).scale)));
    for (const { element: box, layers } of panes) {
      box.classList.toggle("is-close", state.view.zoom > 1);
      layers.forEach((layer, place) => drawLayer(pane, layer, place, new Set(sizes).size === 1));
    }
    drawDivider();
    details.draw(pane);
    form.changed();
  }

  function drawLayer(pane, { number, image, chip }, place, isOneScale) {
    const { left, top, width, height, scale } = placeOf(pane, sizeOf(number), state.view);
    Object.assign(image.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)` });
    image.classList.toggle("is-coarse", scale >= 4);
    const isSeen = state.way !== "flicker" || number === state.current;
    image.style.visibility = isSeen ? "visible" : "hidden";
    chip.hidden = !isSeen;
    chip.lastChild.textContent = isOneScale ? "" : percent(scale);
    if (scale * devicePixelRatio > sizeOf(number).sent * 1.01) form.wantFull(number);
    // The right picture is cut at the divider; its own coordinates begin at its left edge.
    const cut = Math.max(0, Math.min(width, state.divider * pane.width - left));
    image.style.clipPath = state.way === "slider" && place === 1 ? `inset(0 0 0 ${cut}px)` : state.way === "slider" ? `inset(0 ${width - cut}px 0 0)` : "none";
  }

  function drawDivider() {
    const value = Math.round(state.divider * 100);
    divider.style.left = `${state.divider * 100}%`;
    divider.setAttribute("aria-valuenow", String(value));
    divider.setAttribute("aria-valuetext", `${value} % ${letter(state.left)}, ${100 - value} % ${letter(state.right)}`);
  }

  // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────

  function move(right, down) {
    const pane = paneSize();
    if (!pane) return;
    const place = placeOf(pane, sizeOf(panes[0].layers[0].number), state.view);
    state.view = { ...state.view, x: state.view.x + right / place.width, y: state.view.y + down / place.height };
    draw();
  }

  function zoom(factor, point) {
    const pane = paneSize();
    if (!pane) return;
    const middle = { x: pane.width / 2, y: pane.height / 2 };
    state.view = zoomedView(pane, sizeOf(panes[0].layers[0].number), state.view, factor, point ?? middle);
    draw();
  }

  function walk(event) {
    const pane = paneSize();
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || !pane || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    // What is seen whole cannot be moved: then the arrows move the details.
    const moving = state.view.zoom <= 1 && details.isShown ? details.move : move;
    moving(way[0] * STEP * 2 * pane.width, way[1] * STEP * 2 * pane.height);
  }

  function slide(event) {
    const to = { ArrowLeft: state.divider - STEP, ArrowRight: state.divider + STEP, ArrowDown: state.divider - STEP, ArrowUp: state.divider + STEP, Home: 0, End: 1, PageDown: state.divider - 5 * STEP, PageUp: state.divider + 5 * STEP }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setDivider(to);
  }

  function setDivider(to) {
    state.divider = Math.min(1, Math.max(0, to));
    draw();
  }

  /** Tell how far the pointer went, each time that it moves, until it is let go. */
  function pull(event, onmove) {
    if (event.button !== 0) return;
    let last = event;
    follow(event, (next) => {
      onmove(next.clientX - last.clientX, next.clientY - last.clientY, next);
      last = next;
    });
  }

  function drag(event, pane) {
    if (state.view.zoom <= 1 && details.isShown && event.button === 0) {
      details.point(within(event, pane));
      pull(event, (_right, _down, next) => details.point(within(next, pane)));
    } else pull(event, (right, down) => move(-right, -down));
    pane.focus({ preventScroll: true });
  }

  function grab(event) {
    event.stopPropagation();
    const box = panes[0].element.getBoundingClientRect();
    pull(event, (_right, _down, next) => setDivider((next.clientX - box.left) / box.width));
  }

  function within(event, pane) {
    const box = pane.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function wheel(event, pane) {
    // The page keeps the wheel: only with Ctrl or ⌘, or by a pinch, which comes with Ctrl, it zooms.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), within(event, pane));
  }

  function closer(event, pane) {
    if (state.view.zoom > 1) return whole();
    zoom(Math.max(2, trueZoom()), within(event, pane));
  }

  /** The zoom at which the larger of the pictures shows its true pixels. */
  function trueZoom() {
    const pane = paneSize();
    const shown = [...new Set(panes.flatMap(({ layers }) => layers.map(({ number }) => number)))];
    return pane ? Math.max(...shown.map((number) => exactZoom(pane, sizeOf(number)))) : 1;
  }

  function whole() {
    state.view = { x: 0.5, y: 0.5, zoom: 1 };
    draw();
  }

  return {
    element,
    build,
    draw,
    zoom,
    whole,
    exact: () => zoom(trueZoom() / state.view.zoom),
    scale: () => {
      const pane = paneSize();
      return pane && form.data.sides.length ? wholeScale(pane, sizeOf(state.left)) * state.view.zoom : 1;
    },
    end: () => observer.disconnect(),
  };
}
