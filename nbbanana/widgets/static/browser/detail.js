// The edit that is looked at: its picture, words and facts, what can be done with it, and its relatives.

import { button, fill, h } from "../shared/dom.js";

/** The edit that is looked at. */
export function makeDetail(form) {
  const { state } = form;
  const element = h("aside.br-detail", { "aria-label": "The edit" }, h("p.nbb-quiet", {}, "Click a picture for its details."));
  const said = h("p.nbb-quiet.nbb-small", { role: "status" });
  async function copied(message) {
    try {
      await navigator.clipboard.writeText(message.text);
      fill(said, `The cell of history[${message.edit}] is in the clipboard.`);
    } catch {
      fill(said, h("textarea.nbb-mono", { readonly: true, rows: "5", "aria-label": "The cell", value: message.text }));
    }
  }
  /** @type {any} */
  let shown = null;
  let index = 0;
  const mark = (kind, row) => form.say(kind, { numbers: [row.id], on: kind === "star" ? !row.starred : !row.rejected });
  const detail = {
    element,
    said,
    copied,
    shown: () => shown,
    index: () => index,
    /** Show the thumbnail of one of its pictures in an `<img>`. */
    picture(image, edit, at) {
      const key = shown?.id === edit && shown.pictures.find((one) => one.index === at)?.key;
      if (key) form.album.show(image, key);
    },
    /** Of the edit that is looked at, which need not be among the tiles, and whose detail may be on its way. */
    mark: (kind) => {
      const row = [state.rows.get(state.current), shown].find((one) => one?.id === state.looked);
      if (row) mark(kind, row);
    },
    draw(row) {
      if (row.id !== state.looked) return;
      if (row.id !== shown?.id) index = 0;
      shown = row;
      const key = row.pictures[index]?.key ?? row.key;
      fill(
        element,
        key && h("button.br-enlarge", { type: "button", "aria-label": "Enlarge", title: "Enlarge", onclick: () => form.enlarge() }, form.album.show(h("img.br-large", { alt: row.prompt }), key)),
        pictures(row),
        h("h3.nbb-mono", {}, `history[${row.id}]`),
        h("p.br-prompt", { dir: "auto" }, row.prompt),
        h("p.nbb-quiet.nbb-small", {}, [row.facts, row.day, row.word, row.provider === "sandbox" ? "sandbox" : ""].filter(Boolean).join(" · ")),
        h("div.br-acts", {}, state.acts.has("open") && button("Open in the form", "pencil", () => form.say("open", { edit: row.id }), { boxed: true }), state.acts.has("take") && row.key && button("Use as input", "input", () => form.say("take", { edit: row.id, index }), { boxed: true }), toggle("Star", "star", row.starred, row), toggle("Reject", "cross", row.rejected, row), button("Copy as a cell", "copy", () => form.say("copy", { edit: row.id }), { boxed: true })),
        descent(form, row),
      );
    },
  };
  /** Where an edit has several pictures, the one that is looked at. */
  function pictures(row) {
    if (row.pictures.length < 2) return null;
    const one = (picture) => h("button", { type: "button", "aria-pressed": String(picture.index === index), "aria-label": `Picture ${picture.index}`, onclick: () => {
      index = picture.index;
      detail.draw(row);
      element.querySelectorAll(".br-pictures button")[index]?.focus();
    } }, form.album.show(h("img", { alt: "" }), picture.key));
    return h("div.br-pictures", { role: "group", "aria-label": "Its pictures" }, row.pictures.map(one));
  }
  return detail;
  function toggle(word, symbol, isOn, row) {
    const one = button(word, symbol, () => mark(word.toLowerCase(), row), { boxed: true });
    one.setAttribute("aria-pressed", String(isOn));
    return one;
  }
}

/** What an edit came from and what came of it, as small pictures that lead there. */
function descent(form, row) {
  const step = (near) => h("button", { type: "button", title: near.prompt, "aria-label": `Edit ${near.id}: ${near.prompt}`, onclick: () => form.find(near.id) }, near.key ? form.album.show(h("img", { alt: "" }), near.key) : h("span.br-none"), h("span.nbb-figures.nbb-small", { "aria-hidden": "true" }, String(near.id)));
  const line = (where, word) => {
    const near = row.line.filter((one) => one.where === where);
    return near.length > 0 && h("div.br-line", { role: "group", "aria-label": word }, h("span.nbb-quiet.nbb-small", { "aria-hidden": "true" }, word), near.map(step));
  };
  if (!row.line.length) return h("p.nbb-quiet.nbb-small", {}, "No earlier or later edits.");
  return h("section.br-descent", { "aria-label": "Earlier and later edits" }, line("before", "Made from"), line("also", "With references"), line("after", "Led to"));
}
