// The keyboard: what each key does, and the list of them. Nothing that is typed here reaches the notebook.

import { fill, h, keyHints, keys } from "../shared/dom.js";

const KEYS = [
  [["Ctrl", "↵"], "run; ⌘ ↵ on a Mac"],
  [["←", "→", "↑", "↓"], "walk the pictures, or the history"],
  [["↵"], "see the picture large; in it Space shows the input, + − 0 1 zoom"],
  [["s"], "star the picture, or remove the star"],
  [["x"], "reject it, or undo that"],
  [["c"], "mark it for comparing; with two marked, Shift and c compares"],
  [["/"], "search the history"],
  [["Alt", "←", "→"], "move an input picture; Delete removes it"],
  [["r"], "on an input picture: draw a region on it"],
  [["Ctrl", "z"], "outside the text: undo the last change of the form"],
  [["?"], "this list"],
];

/** @param {any} form what the parts of the Studio share @param {{grid: any, past: any}} parts */
export function makeKeys(form, { grid, past }) {
  const close = h("button.nbb-boxed", { type: "button", onclick: () => help.close() }, "Close");
  const help = h(
    "dialog.st-dialog",
    { "aria-labelledby": form.id("keys") },
    h("h3", { id: form.id("keys") }, "Keys"),
    h("dl", {}, KEYS.map(([names, words]) => [h("dt", {}, keys(names)), h("dd", {}, words)]).flat()),
    close,
  );
  const foot = keyHints([[["Ctrl", "↵"], "run"], [["←", "→"], "walk"], [["s"], "star"], [["x"], "reject"], [["c"], "compare"], [["/"], "search"], [["?"], "all keys"]]);

  function onkeydown(event) {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === "Enter") {
      event.preventDefault();
      return form.run();
    }
    const target = event.composedPath()[0];
    if (target.matches("textarea, select, input:not([type=checkbox], [type=radio])") || event.altKey) return;
    if (command) {
      if (event.key.toLowerCase() !== "z" || event.shiftKey) return;
      event.preventDefault();
      return form.say("undo");
    }
    if (act(event.key, target)) event.preventDefault();
  }

  function act(key, target) {
    if (key === "/") past.find();
    else if (key === "?") help.showModal();
    else if (key === "C") grid.compare();
    else if ("sxc".includes(key) && grid.hasCurrent) grid.act(key);
    else if (target.matches?.("[role=option]")) return grid.walk(key, target);
    else return false;
    return true;
  }

  return { help, foot, onkeydown, show: () => help.showModal() };
}

/** A dialog that shows text to copy by hand, where the browser does not let a page write the clipboard. */
export function makeCopier(form) {
  const text = h("textarea.nbb-mono", { readonly: true, rows: "6", "aria-label": "The cell" });
  const title = h("h3", { id: form.id("cell") });
  const dialog = h("dialog.st-dialog", { "aria-labelledby": form.id("cell") }, title, text, h("button.nbb-boxed", { type: "button", onclick: () => dialog.close() }, "Close"));
  return {
    element: dialog,
    async copy(words, what) {
      try {
        await navigator.clipboard.writeText(words);
        form.note(`The cell of ${what} is in the clipboard.`);
      } catch {
        fill(title, `The cell of ${what}`);
        text.value = words;
        dialog.showModal();
        text.select();
      }
    },
  };
}
