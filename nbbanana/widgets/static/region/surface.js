// The picture that is drawn on: boxes, a lasso, a brush, with the pointer or with keys.

import { follow, h, svg } from "../shared/dom.js";

/** What a key moves a shape, and how far two points of a stroke are apart at least, as parts of a side. */
const NUDGE = 0.01;
const APART = 0.004;
/** A pointer that moved less did not draw: it chose. */
const CLICK = 0.008;

/** @param {number} value */
export function part(value) {
  return Math.min(1, Math.max(0, value));
}

/** The smallest box around points. @param {number[][]} points */
export function boundsOf(points) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

/** @param {any} form what the parts share: `state`, `change(shapes, chosen)`, `draw()` */
export function makeSurface(form) {
  const { state } = form;
  const image = h("img.rg-picture.nbb-fill", { alt: "", draggable: "false" });
  const sheet = svg("svg", { class: "rg-shapes nbb-fill", "aria-hidden": "true", preserveAspectRatio: "none" });
  const element = h("div.rg-surface", { tabindex: "0", role: "group", "aria-roledescription": "drawing", onkeydown, onpointerdown }, image, sheet);
  let sketch = null;

  function placeOfPointer(event) {
    const box = sheet.getBoundingClientRect();
    return [part((event.clientX - box.left) / box.width), part((event.clientY - box.top) / box.height)];
  }

  // ── with the pointer ────────────────────────────────────────────────────────────────────────────────────

  function onpointerdown(event) {
    if (event.button !== 0 || !state.subject) return;
    const start = placeOfPointer(event);
    sketch = { kind: state.tool, points: [start], radius: state.tool === "brush" ? state.radius : 0 };
    follow(event, moved, ended);
    draw();
  }

  function moved(event) {
    const point = placeOfPointer(event);
    if (sketch.kind === "box") sketch.points = [sketch.points[0], point];
    else if (Math.hypot(...point.map((value, axis) => value - sketch.points.at(-1)[axis])) > APART) sketch.points.push(point);
    draw();
  }

  function ended(event) {
    const shape = sketch;
    sketch = null;
    if (event.type === "pointercancel") return draw();
    const box = boundsOf(shape.points);
    const isClick = Math.max(box.right - box.left, box.bottom - box.top) < CLICK;
    if (isClick && shape.kind !== "brush") return choose(shape.points[0]);
    if (shape.kind === "lasso" && shape.points.length < 3) return draw();
    if (shape.kind === "box") shape.points = [[box.left, box.top], [box.right, box.bottom]];
    form.change([...state.shapes, shape], state.shapes.length);
  }

  /** Choose the newest shape under a point. */
  function choose([x, y]) {
    const under = (shape) => {
      const box = boundsOf(shape.points);
      return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    };
    const found = state.shapes.findLastIndex(under);
    if (found >= 0) state.chosen = found;
    form.draw();
  }

  // ── with keys ───────────────────────────────────────────────────────────────────────────────────────────

  function onkeydown(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") form.addBox();
    else if (event.key === "Delete" || event.key === "Backspace") form.drop(state.chosen);
    else if (way && state.shapes[state.chosen]) nudge(way, event.shiftKey);
    else return;
    event.preventDefault();
  }

  function nudge([right, down], isSize) {
    const shape = state.shapes[state.chosen];
    const box = boundsOf(shape.points);
    if (isSize && shape.kind === "box") {
      const far = [Math.max(box.left + NUDGE, part(box.right + right * NUDGE)), Math.max(box.top + NUDGE, part(box.bottom + down * NUDGE))];
      return form.replace(state.chosen, { ...shape, points: [[box.left, box.top], far] });
    }
    const x = Math.min(Math.max(right * NUDGE, -box.left), 1 - box.right);
    const y = Math.min(Math.max(down * NUDGE, -box.top), 1 - box.bottom);
    form.replace(state.chosen, { ...shape, points: shape.points.map(([left, top]) => [left + x, top + y]) });
  }

  // ── drawing ─────────────────────────────────────────────────────────────────────────────────────────────

  function outline(shape, isChosen) {
    const { width, height } = state.subject;
    const points = shape.points.map(([x, y]) => [x * width, y * height]);
    const path = points.map((point) => point.join(" ")).join(" L ");
    const attributes = { class: `rg-shape${isChosen ? " is-chosen" : ""}` };
    if (shape.kind === "brush") {
      const round = { d: `M ${path}${points.length === 1 ? ` l 0.01 0` : ""}`, "stroke-width": shape.radius * 2 * Math.max(width, height) };
      return [svg("path", { ...round, class: `rg-stroke${isChosen ? " is-chosen" : ""}` })];
    }
    const box = boundsOf(points);
    const corners = [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]];
    const d = `M ${shape.kind === "box" ? corners.map((point) => point.join(" ")).join(" L ") : path} Z`;
    return [svg("path", { d, class: "rg-halo" }), svg("path", { d, ...attributes })];
  }

  function draw() {
    if (!state.subject) return;
    const shapes = sketch ? [...state.shapes, sketch] : state.shapes;
    const chosen = sketch ? state.shapes.length : state.chosen;
    sheet.replaceChildren(...shapes.flatMap((shape, number) => outline(shape, number === chosen)));
  }

  return {
    element,
    draw,
    /** Another picture. */
    subject({ name, width, height }) {
      sheet.setAttribute("viewBox", `0 0 ${width} ${height}`);
      element.style.setProperty("--rg-ratio", String(width / height));
      image.alt = name;
      element.setAttribute("aria-label", `${name}. Enter adds a box; arrows move it, with Shift they size it; Delete takes it away.`);
      draw();
    },
    show: (url) => (image.src = url),
  };
}
