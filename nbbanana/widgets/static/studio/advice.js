// Advice on the prompt, under it: how grave, which words, why, and a button where it can be mended.

import { button, fill, h } from "../shared/dom.js";

/** @param {any} form what the parts of the Studio share @param {HTMLTextAreaElement} area where the prompt is written */
export function makeAdvice(form, area) {
  const list = h("ul.st-advice.nbb-small", { "aria-label": "Advice", hidden: true });
  return {
    element: list,
    /** @param {{rows: any[]}} message */
    update({ rows }) {
      list.hidden = rows.length === 0;
      fill(list, rows.map((row) => adviceLine(form, area, row)));
    },
  };
}

function adviceLine(form, area, row) {
  const passage = row.passage && h("button.st-passage", { type: "button", title: "Show these words in the prompt", onclick: () => markPassage(area, row) }, `“${row.passage}”`);
  const apply = row.mends && button("Apply", null, () => form.say("mend", { rule: row.rule }), { boxed: true, title: row.settings ? `Set ${row.settings}` : "Write the prompt so" });
  if (apply) apply.setAttribute("aria-label", `Apply: ${row.rule}`);
  return h(`li.is-${row.severity}`, {}, h("span", { title: `${row.rule}: ${row.source}` }, h("b", {}, `${row.mark} ${row.severity}`), " ", passage, " ", row.why), apply);
}

/** Mark the words in the prompt: Python counts characters, a text field counts halves of those beyond the first 65,536. */
function markPassage(area, { span, passage }) {
  const letters = [...area.value];
  const [from, to] = span.map((place) => letters.slice(0, place).join("").length);
  const isThere = area.value.slice(from, to).replace(/\s+/g, " ").startsWith(passage.replace(/…$/, "").slice(0, 20));
  area.focus();
  if (isThere) area.setSelectionRange(from, to);
}
