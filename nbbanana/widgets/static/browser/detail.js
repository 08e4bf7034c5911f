// The edit that is looked at: its picture, words and facts, what can be done with it, and its relatives.

import { button, fill, h } from "../shared/dom.js";

/** @param {any} form what the parts share */
export function makeDetail(form) {
  const { state } = form;
  const hint = () => h("p.nbb-quiet", {}, "Click a picture for its details.");
  const element = h("aside.br-detail.nbb-stack", { "aria-label": "The edit" }, hint());
  /** @type {any} */
  let shown = null;
  let index = 0;
  const mark = (kind, row) => form.say(kind, { numbers: [row.id], on: kind === "star" ? !row.starred : !row.rejected });
  const ref = () => ({ edit: shown.id, index });

  /** Where an edit has several pictures, the one that is looked at. */
  function pictures(row) {
    if (row.pictures.length < 2) return null;
    const one = (picture) => h("button", { type: "button", "aria-pressed": String(picture.index === index), "aria-label": `Picture ${picture.index}`, onclick: () => {
      index = picture.index;
      detail.draw(row);
      element.querySelectorAll(".br-pictures button")[index]?.focus();
    } }, form.album.show(h("img", { alt: "" }), picture.key));
    return h("div.br-pictures.nbb-row", { role: "group", "aria-label": "Its pictures" }, row.pictures.map(one));
  }

  function toggle(word, symbol, isOn, row) {
    const one = button(word, symbol, () => mark(word.toLowerCase(), row), { boxed: true });
    one.setAttribute("aria-pressed", String(isOn));
    return one;
  }

  function acts(row) {
    const can = (name) => state.acts.has(name);
    return h(
      "div.br-acts.nbb-row",
      { role: "group", "aria-label": "What can be done with it" },
      can("open") && button("Open in the form", "pencil", () => form.say("open", { edit: row.id }), { boxed: true }),
      can("take") && row.key && button("Use as input", "input", () => form.say("take", ref()), { boxed: true }),
      toggle("Star", "star", row.starred, row),
      toggle("Reject", "cross", row.rejected, row),
      can("compare") && row.key && row.hasInput && button("Compare", "compare", detail.compare, { boxed: true, title: "Compare it with its input picture" }),
      row.key && button("Download", "save", () => form.say("view", { ...ref(), what: "file" }), { boxed: true, title: "Load the file into this browser's downloads" }),
      button("Copy as a cell", "copy", () => form.say("copy", { edit: row.id }), { boxed: true }),
    );
  }

  const detail = {
    element,
    shown: () => shown,
    index: () => index,
    /** Show the thumbnail of one of its pictures in an `<img>`. */
    picture(image, edit, at) {
      const key = shown?.id === edit && shown.pictures.find((one) => one.index === at)?.key;
      if (key) form.album.show(image, key);
    },
    /** Of the edit that is looked at, which need not be among the tiles, and whose detail may be on its way. */
    mark(kind) {
      const row = [state.rows.get(state.current), shown].find((one) => one?.id === state.looked);
      if (row) mark(kind, row);
    },
    /** Compare the picture that is looked at with its input. */
    compare: () => shown?.hasInput && shown.key && form.compare([[shown.id, index]]),
    clear() {
      shown = null;
      fill(element, state.many > 0 && hint());
    },
    draw(row) {
      if (row.id !== state.looked) return;
      if (row.id !== shown?.id) index = 0;
      shown = row;
      const key = row.pictures[index]?.key ?? row.key;
      const name = `${row.name}${row.pictures.length > 1 ? `[${index}]` : ""}`;
      fill(
        element,
        key && h("button.br-enlarge", { type: "button", "aria-label": "Enlarge", title: "Enlarge", onclick: () => form.enlarge() }, form.album.show(h("img.br-large", { alt: row.prompt }), key)),
        pictures(row),
        h("h3.nbb-mono", {}, name),
        row.word && h("p.br-state", {}, row.word[0].toUpperCase() + row.word.slice(1)),
        h("p.br-prompt", { dir: "auto" }, row.prompt),
        h("dl.br-facts.nbb-facts.nbb-figures", {}, row.facts.map(([fact, value]) => [h("dt.nbb-quiet", {}, fact), h("dd", {}, value)]).flat()),
        acts(row),
        lineage(form, row),
      );
    },
  };
  return detail;
}

/** What an edit came from and what came of it: each says what changed from the one above, and leads there. */
function lineage(form, row) {
  if (!row.line.length) return h("p.nbb-quiet.nbb-small", {}, "No earlier or later edits.");
  const marks = { same: "span", new: "ins", gone: "del" };
  const names = { before: "Made from", also: "Reference", here: "This edit", after: "Led to" };
  const step = (near, place) => h(
    `li${near.depth === 0 ? ".is-first" : ""}${row.line.slice(place + 1).some((one) => one.depth === near.depth) ? ".is-followed" : ""}`,
    { style: `--depth: ${Math.min(near.depth, 5)}` },
    h(
      "button.br-step",
      { type: "button", title: near.prompt, "aria-label": `${names[near.where]}: ${near.id}, ${near.said}`, "aria-current": near.where === "here" ? "true" : null, onclick: () => form.find(near.id) },
      near.key ? form.album.show(h("img", { alt: "" }), near.key) : h("span.br-none"),
      h("span.br-change", { dir: "auto" }, h("b.nbb-figures", {}, String(near.id)), " ", near.where === "also" && h("span.nbb-quiet", {}, "reference "), near.words.map(([kind, text]) => [h(marks[kind], {}, text), " "]).flat(), near.words.length === 0 && !near.values && h("span.nbb-quiet", {}, "the same words"), near.values && h("span.br-values.nbb-quiet.nbb-figures", {}, near.values)),
    ),
  );
  return h("section.br-lineage", { "aria-label": "Lineage" }, h("h4", { title: "Each line says what changed from the one above" }, "Lineage"), h("ol", {}, row.line.map(step)));
}
