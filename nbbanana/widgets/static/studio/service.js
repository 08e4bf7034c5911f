// Who runs what the form asks for: a choice where there is one, with what it costs at the others.

import { fill, h } from "../shared/dom.js";

/** @param {any} form what the parts of the Studio share @param {() => void} onchange called when another one runs it */
export function makeService(form, onchange) {
  const select = h("select", { onchange: () => form.say("service", { name: select.value }) });
  const element = h("label.st-service.nbb-small", { hidden: true }, h("span", {}, "Runs at"), select);
  let known = "";
  let chosen = null;
  return {
    element,
    /** @param {any} state */
    update({ service }) {
      const wanted = JSON.stringify(service.choices);
      if (wanted !== known) fill(select, service.choices.map((one) => h("option", { value: one.value }, one.label)));
      known = wanted;
      select.value = service.chosen;
      if (chosen !== null && chosen !== service.chosen) onchange();
      chosen = service.chosen;
      element.hidden = service.choices.length < 2;
    },
  };
}
