// What can be chosen, with the number of edits that each choice would give.

import { button, fill, h } from "../shared/dom.js";

/** @param {any} form what the parts share: `state`, `want` */
export function makeFacets(form) {
  const groups = h("div.br-groups.nbb-stack");
  const open = h("button.nbb-boxed.br-unfold", { type: "button", "aria-expanded": "false", onclick: () => unfold(!element.classList.contains("is-open")) }, "Filters");
  const element = h("section.br-facets", { "aria-label": "Filters" }, open, groups);

  function unfold(isOpen) {
    element.classList.toggle("is-open", isOpen);
    open.setAttribute("aria-expanded", String(isOpen));
  }

  function choice(one, group) {
    return h(
      "button.br-choice",
      { type: "button", "aria-pressed": String(one.on), title: one.title || null, "data-key": `${group.name} ${one.label}`, disabled: one.many === 0 && !one.on, onclick: () => form.want(one.then) },
      h("span.br-label", {}, one.label),
      h("span.nbb-quiet.nbb-small.nbb-figures", {}, one.many.toLocaleString("en")),
    );
  }

  return {
    element,
    update(message) {
      const held = form.root.getRootNode().activeElement?.dataset?.key;
      const chosen = message.groups.flatMap((group) => group.choices.filter((one) => one.on));
      const clear = button("Clear filters", "cross", form.clear);
      clear.dataset.key = "clear";
      fill(
        groups,
        message.groups.map((group) => h("div.br-group", { role: "group", "aria-label": group.title }, h("h3.nbb-small", { "aria-hidden": "true" }, group.title), group.choices.map((one) => choice(one, group)))),
        chosen.length > 0 && clear,
      );
      fill(open, chosen.length ? `Filters: ${chosen.map((one) => one.label).join(", ")}` : "Filters");
      const again = held && [...groups.querySelectorAll("[data-key]")].find((one) => one.dataset.key === held);
      (again || null)?.focus({ preventScroll: true });
    },
  };
}
