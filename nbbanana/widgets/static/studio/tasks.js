// What is on its way: one line that says where it stands and what cancelling would do, and after all of them the tiles to come.

import { fill, h } from "../shared/dom.js";

/** @param {any} form what the parts of the Studio share */
export function makeTasks(form) {
  const lines = h("div.st-tasks", { role: "group", "aria-label": "On their way" });
  const coming = h("div.st-coming");
  /** @type {Map<string, {row: any, box: any, since: number}>} */
  const shown = new Map();
  const clock = window.setInterval(tick, 1000);

  function tick() {
    for (const { row, box, since } of shown.values()) {
      if (row.phase !== "running" || !row.expected) continue;
      const elapsed = Math.floor(row.elapsed + (performance.now() - since) / 1000);
      const most = Math.max(1, Math.round(row.expected));
      const about = `about ${seconds(most)}`;
      const words = box.querySelector(".st-detail");
      const bar = box.querySelector("progress");
      if (words) fill(words, elapsed > most ? `${seconds(elapsed)}, longer than usual (${about})` : `${most < 60 ? elapsed : seconds(elapsed)} of ${about}`);
      if (bar) bar.value = Math.min(elapsed, most);
    }
  }

  function draw(row) {
    const say = (kind) => () => form.say(kind, { key: row.key });
    const again = row.collects ? h("button.nbb-boxed", { type: "button", onclick: say("collect") }, "Get the pictures") : h("button.nbb-boxed", { type: "button", onclick: say("again") }, "Run again");
    const act = row.is_over
      ? h("span.st-acts", {}, again, h("button", { type: "button", onclick: say("dismiss") }, "Dismiss"))
      : h("button.nbb-boxed", { type: "button", disabled: row.is_stopping, onclick: say("cancel") }, "Cancel");
    const isBad = row.error && row.phase !== "cancelled";
    const line = h(
      "div.st-line.nbb-row",
      {},
      h("span.st-mark" + (isBad ? ".is-bad" : ""), { "aria-hidden": "true" }, isBad ? "✕" : row.mark),
      h("b", {}, row.word),
      row.error ? h("span.st-said", {}, row.error[0]) : h("span.st-detail.nbb-figures", {}, row.detail),
      row.most ? h("progress", { max: row.most, value: row.value, "aria-label": `${row.word}, ${row.detail}` }) : null,
      h("span.st-aside.nbb-end.nbb-quiet.nbb-small.nbb-figures", {}, row.facts),
      act,
    );
    // What to do after a cancel is said by the buttons.
    const after = row.error && (isBad ? row.error.slice(1).filter(Boolean).join(" ") : row.error[1]);
    const below = after || (row.cancel && !row.is_over && `Cancel ${row.cancel}`);
    return h("section.st-task", { "aria-label": row.edit ? `Edit ${row.edit}` : "A new edit", "data-phase": row.phase }, line, h("p.nbb-small.st-below", {}, h("span", {}, row.prompt), " ", below && h("span.nbb-quiet", {}, below)));
  }

  function render() {
    const rows = [...shown.values()];
    const first = rows.find(({ row }) => !row.is_over);
    for (const entry of rows) {
      const focused = entry.box?.contains(document.activeElement);
      const box = draw(entry.row);
      if (entry.box) entry.box.replaceWith(box);
      else lines.append(box);
      entry.box = box;
      if (focused) box.querySelector("button")?.focus();
    }
    fill(coming, first && ghosts(form, first.row));
  }

  return {
    element: h("div.st-under-way", {}, lines, coming),
    put(row) {
      const before = shown.get(row.key)?.row;
      shown.set(row.key, { ...(shown.get(row.key) ?? { box: null }), row, since: performance.now() });
      if (before?.word !== row.word || before?.is_over !== row.is_over) form.announce(row.error ? `${row.error[0]} ${row.error[1]}` : `${row.word} ${row.detail}`);
      render();
    },
    drop(key) {
      shown.get(key)?.box?.remove();
      shown.delete(key);
      render();
    },
    end: () => clearInterval(clock),
  };
}

/** Where the pictures will be: as many, of the true shape, with a blur of what they are made from. */
function ghosts(form, row) {
  const tiles = Array.from({ length: row.count }, () =>
    h("div.st-ghost", { style: `aspect-ratio:${row.ratio}` }, row.ghost ? form.album.show(h("img.nbb-fill", { alt: "" }), row.ghost) : null),
  );
  return h("div.st-tiles", { style: `--many:${Math.min(4, row.count)};--ratio:${row.ratio}`, "aria-hidden": "true" }, tiles);
}

function seconds(whole) {
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
}
