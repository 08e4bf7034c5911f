// Elements made by hand: text is always text, so that nothing a user or a service says becomes markup.

/** The lines of the icons, on a grid of 16. */
const ICONS = {
  plus: "M8 3v10M3 8h10",
  undo: "M3.5 6.5h6a3.5 3.5 0 0 1 0 7H6M6 3.5l-3 3 3 3",
  reset: "M3.5 8a4.5 4.5 0 1 0 1.6-3.4M3 2.5v3h3",
  copy: "M6 2.5h7v8.5H6zM10 13.5H3V5",
  star: "M8 2.2l1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4L2.200 6.5l4-.6z",
  cross: "M4 4l8 8M12 4l-8 8",
  input: "M13 8H3M6.500 4.500L3 8l3.500 3.500",
  vary: "M2 4.500h2.500l6 7H14M2 11.500h2.500l1.500-1.700M9 6.200l1.500-1.700H14M12 2.500l2 2-2 2M12 9.500l2 2-2 2",
  pencil: "M3 13l.700-3L10.500 3.200l2.300 2.300L6 12.300z",
  compare: "M2.500 3h11v10h-11zM8 2v12",
  save: "M8 2.500v7.500M4.800 7L8 10.200 11.200 7M3 13.500h10",
  dice: "M3 3h10v10H3zM6 6h.01M10 10h.01M8 8h.01",
  lock: "M4 7.500h8v6H4zM5.500 7.500V5a2.500 2.500 0 0 1 5 0v2.500",
  unlock: "M4 7.500h8v6H4zM5.500 7.500V5a2.500 2.500 0 0 1 4.800-1",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.700 10.700L14 14",
  note: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.500v3.500M8 5h.01",
  slow: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.800V8l2.300 1.600",
  region: "M2.500 5.500v-3h3M10.500 2.500h3v3M13.500 10.500v3h-3M5.500 13.500h-3v-3",
  fold: "M6 3l5 5-5 5",
  sheet: "M2.500 2.500h4v4h-4zM9.500 2.500h4v4h-4zM2.500 9.500h4v4h-4zM9.500 9.500h4v4h-4z",
  older: "M10 3L5 8l5 5",
};

/**
 * An element.
 * @param {string} tag `button.nbb-boxed.wide`: the tag and its classes
 * @param {Record<string, any>} [attributes] `onclick` and its kind listen; false, null and undefined are left out
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && (key === "value" || key === "checked" || key === "disabled" || key === "hidden")) element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/** Mark a control that uses files of the kernel's machine: a form that is open to visitors does not show it. */
export function files(control) {
  control.classList.add("nbb-files");
  return control;
}

/**
 * Put these into an element, in place of what is there.
 * @param {Element} element
 * @param {...any} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child || child === 0).map((child) => child instanceof Node ? child : String(child)));
}

/**
 * An icon; it says nothing to a screen reader, so that whatever it stands on needs a name.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** An element of a drawing. @param {string} tag @param {Record<string, string | number>} attributes @param {...Element} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** Keys as they are printed, each before a space. @param {string[]} names */
export function keys(names) {
  return names.map((name) => [h("kbd", {}, name), " "]).flat();
}

/** The line below a form: what keys do. @param {(string | string[])[][]} list keys as lists, words between them */
export function keyHints(list) {
  const piece = (part) => (Array.isArray(part) ? keys(part) : part);
  return h("footer.nbb-keys.nbb-quiet.nbb-small", { "aria-hidden": "true" }, list.map((parts) => h("span", {}, parts.map(piece).flat())));
}

/**
 * Follow a pointer that came down until it is let go.
 * @param {PointerEvent} event @param {(event: PointerEvent) => void} onmove @param {(event: PointerEvent) => void} [onend]
 */
export function follow(event, onmove, onend = () => undefined) {
  const target = event.currentTarget;
  const held = new AbortController();
  const over = (last) => {
    held.abort();
    onend(last);
  };
  target.setPointerCapture(event.pointerId);
  target.addEventListener("pointermove", onmove, { signal: held.signal });
  for (const kind of ["pointerup", "pointercancel"]) target.addEventListener(kind, over, { signal: held.signal });
}

/**
 * A button with an icon and, unless `bare`, its word beside it.
 * @param {string} word
 * @param {keyof typeof ICONS | null} symbol
 * @param {() => void} onclick
 * @param {{bare?: boolean, boxed?: boolean, title?: string, key?: string}} [options]
 */
export function button(word, symbol, onclick, options = {}) {
  const classes = (options.boxed ? ".nbb-boxed" : "") + (options.bare ? ".nbb-icon" : "");
  return h(
    `button${classes}`,
    {
      type: "button",
      onclick,
      title: options.title ?? (options.bare ? word : null),
      "aria-label": options.bare ? word : null,
      "aria-keyshortcuts": options.key,
    },
    symbol && icon(symbol),
    options.bare ? null : symbol ? h("span", {}, word) : word,
  );
}

/**
 * Give a button its click where what came meanwhile has put it there anew, between the press and the release: a browser
 * gives none then. One that says something else by now gets none.
 * @param {HTMLElement} root
 */
export function keepClicks(root) {
  const buttonOf = (event) => event.composedPath()[0].closest?.("button");
  const nameOf = (one) => one.getAttribute("aria-label") ?? one.textContent;
  let pressed = null;
  root.addEventListener("pointerdown", (event) => (pressed = buttonOf(event)));
  root.addEventListener("pointerup", (event) => {
    const now = buttonOf(event);
    const before = pressed;
    pressed = null;
    if (!before || before.isConnected || !now || nameOf(now) !== nameOf(before) || event.defaultPrevented) return;
    event.preventDefault(); // a form around this one sees the event too
    now.click();
  });
}

/** Keys that a form uses itself together with Ctrl or ⌘: run, and what edits text. All others are for the host. */
const OWN = new Set(["enter", "a", "c", "v", "x", "y", "z"]);

/** Whether a key is for the host, such as Ctrl+S, and not for the form or for the field that is written in. */
function isForHost(event) {
  if (event.altKey || !(event.ctrlKey || event.metaKey) || OWN.has(event.key.toLowerCase())) return false;
  return event.key.length === 1 || !event.composedPath()[0].matches("input, textarea, select");
}

/**
 * Keep what is pressed in a form from the notebook, to which x means to cut the cell; let Escape lead back to it, and
 * Ctrl+S save it. Returns what ends that.
 * @param {HTMLElement} root
 */
export function keepKeys(root) {
  // JupyterLab hears a key once it has bubbled up. Notebook 7 hears it before it comes down, and only passes over what
  // is focused and carries this attribute: so it is set before that.
  const mark = (event) => {
    const target = event.composedPath()[0];
    if (target instanceof Element && root.contains(target)) target.toggleAttribute("data-lm-suppress-shortcuts", !isForHost(event));
  };
  window.addEventListener("keydown", mark, true);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.composedPath()[0].closest("dialog")) root.closest(".jp-Cell")?.focus();
    else if (event.key !== "Escape" && !isForHost(event)) event.stopPropagation();
  });
  return () => window.removeEventListener("keydown", mark, true);
}

/** What an act gives, or undefined where the web browser does not allow it, such as to keep something. */
export function tried(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** A number of words: `count(2, "picture")` is "2 pictures". */
export function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** Put a file into the web browser's downloads. @param {DataView} bytes @param {string} name */
export function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
