// Where a picture stands in its pane: one view for all pictures, whatever their sizes are. No elements here.

/** Pixels of the screen that a pixel of a picture takes at most. */
const CLOSEST = 8;

/**
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number, zoom: number}} View the middle of what is seen, as parts of the picture's width and
 *   height, and how many times larger than in whole it is shown
 */

/** The scale at which a picture is seen in whole. @param {Size} pane @param {Size} size */
export function wholeScale(pane, size) {
  return Math.min(pane.width / size.width, pane.height / size.height);
}

/** Where a picture goes in its pane. @param {Size} pane @param {Size} size @param {View} view */
export function placeOf(pane, size, view) {
  const scale = wholeScale(pane, size) * view.zoom;
  const width = size.width * scale;
  const height = size.height * scale;
  return { scale, width, height, left: pane.width / 2 - view.x * width, top: pane.height / 2 - view.y * height };
}

/** The zoom at which a pixel of a picture is a pixel of the screen. @param {Size} pane @param {Size} size */
export function exactZoom(pane, size) {
  return 1 / (wholeScale(pane, size) * devicePixelRatio);
}

/** The view with nothing beyond the edges of all pictures. @param {Size} pane @param {Size[]} sizes @param {View} view */
export function keptView(pane, sizes, view) {
  const closest = Math.max(1, ...sizes.map((size) => CLOSEST / wholeScale(pane, size)));
  // A picture that is smaller than its pane is larger in whole than at its true pixels.
  const least = Math.min(1, ...sizes.map((size) => exactZoom(pane, size)));
  const zoom = Math.min(Math.max(view.zoom, least), closest);
  const places = sizes.map((size) => placeOf(pane, size, { ...view, zoom }));
  const within = (middle, half) => Math.min(Math.max(middle, half), 1 - half);
  const halfWidth = Math.min(0.5, ...places.map((place) => pane.width / 2 / place.width));
  const halfHeight = Math.min(0.5, ...places.map((place) => pane.height / 2 / place.height));
  return { zoom, x: within(view.x, halfWidth), y: within(view.y, halfHeight) };
}

/** The view zoomed so that what is under a point of the pane stays there. @param {{x: number, y: number}} point */
export function zoomedView(pane, size, view, factor, point) {
  const before = placeOf(pane, size, view);
  const zoom = view.zoom * factor;
  const after = placeOf(pane, size, { ...view, zoom });
  const right = point.x - pane.width / 2;
  const down = point.y - pane.height / 2;
  return { zoom, x: view.x + right / before.width - right / after.width, y: view.y + down / before.height - down / after.height };
}

/** A scale as people say it, in pixels of the screen: `54 %`. @param {number} scale */
export function percent(scale) {
  const value = scale * devicePixelRatio * 100;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}
