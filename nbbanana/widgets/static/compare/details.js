// Two details of the same place beside the slider, one of each picture, and the frame that says where they are.

import { fill, h } from "../shared/dom.js";
import { keptView, percent, placeOf, wholeScale } from "../shared/view.js";
import { badge } from "./words.js";

/** So many times closer than the whole a detail is at least. */
const CLOSER = 2;

/** @param {any} form what the parts share @param {(event: PointerEvent, onmove: Function) => void} pull follows a drag */
export function makeDetails(form, pull) {
  const { state } = form;
  const element = h("div.cp-details", { role: "group", "aria-label": "The same place in both, closer", onpointerdown: (event) => pull(event, (right, down) => details.move(-right, -down)) });
  const spot = h("div.cp-spot", { "aria-hidden": "true", hidden: true });
  /** @type {{number: number, image: any, scale: any, box: any}[]} */
  let both = [];
  let pane = { width: 0, height: 0 };
  let shown = { left: 0, top: 0, width: 0, height: 0 };

  const sides = () => both.map(({ number }) => form.data.sides[number]);

  function one(number) {
    const image = h("img.cp-near", { alt: "", draggable: "false" });
    form.album.show(image, String(number));
    const scale = h("span.nbb-figures");
    return { number, image, scale, box: h("div.cp-detail", {}, image, h("div.cp-chips", { "aria-hidden": "true" }, h("span.cp-tag", {}, badge(number), scale))) };
  }

  /** The view of both: as close as what travelled has pixels for, and once a place was pointed at, its true pixels. */
  function viewIn(size) {
    const larger = sides().reduce((most, side) => (side.width > most.width ? side : most));
    const exact = (state.isPointed ? 1 : larger.sent) / devicePixelRatio;
    const scale = Math.max(exact, CLOSER * wholeScale(pane, larger));
    return keptView(size, sides(), { ...state.spot, zoom: scale / wholeScale(size, larger) });
  }

  function drawSpot(size, view) {
    const [side] = sides();
    const near = placeOf(size, side, view);
    const far = placeOf(pane, side, state.view);
    const width = Math.min(1, size.width / near.width) * far.width;
    const height = Math.min(1, size.height / near.height) * far.height;
    Object.assign(spot.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${far.left + view.x * far.width - width / 2}px, ${far.top + view.y * far.height - height / 2}px)` });
  }

  const details = {
    element,
    spot,
    get isShown() {
      return both.length > 0 && element.clientWidth > 0;
    },
    /** Show these two pictures; none hides it. @param {number[]} numbers */
    build(numbers) {
      both = numbers.map(one);
      element.hidden = spot.hidden = both.length === 0;
      fill(element, both.map(({ box }) => box));
    },
    /** Draw them beside a pane of this size. */
    draw(size) {
      pane = size;
      spot.hidden = !details.isShown;
      if (!details.isShown) return;
      const box = both[0].box.getBoundingClientRect();
      const view = viewIn(box);
      state.spot = { x: view.x, y: view.y };
      for (const { number, image, scale } of both) {
        const side = form.data.sides[number];
        shown = placeOf(box, side, view);
        Object.assign(image.style, { width: `${shown.width}px`, height: `${shown.height}px`, transform: `translate(${shown.left}px, ${shown.top}px)` });
        image.classList.toggle("is-coarse", shown.scale >= 4);
        fill(scale, percent(shown.scale));
        if (state.isPointed && shown.scale * devicePixelRatio > side.sent * 1.01) form.wantFull(number);
      }
      drawSpot(box, view);
    },
    /** Move what is seen by pixels of the details. */
    move(right, down) {
      state.isPointed = true;
      state.spot = { x: state.spot.x + right / shown.width, y: state.spot.y + down / shown.height };
      details.draw(pane);
    },
    /** Look at a place of the pane. @param {{x: number, y: number}} point in its pixels */
    point(point) {
      const far = placeOf(pane, sides()[0], state.view);
      state.isPointed = true;
      state.spot = { x: (point.x - far.left) / far.width, y: (point.y - far.top) / far.height };
      details.draw(pane);
    },
  };
  return details;
}
