// The price, what is left, who runs what the form asks for, and Run.

import { fill, h, icon } from "../shared/dom.js";

/** Characters of how a price comes about above which they are written small. */
const LONG = 40;

/** @param {any} form what the parts of the Studio share @param {HTMLElement} service who runs it */
export function makeFoot(form, service) {
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const amount = h("span.st-amount.nbb-figures");
  const how = h("span.nbb-quiet.nbb-figures.st-how");
  const bar = h("progress", { max: 1, "aria-label": "Budget left" });
  const left = h("p.nbb-quiet.nbb-small.nbb-figures");
  const limit = h("input", { type: "number", min: 0, step: "0.01", onchange: () => form.say("max price", { amount: limit.value === "" ? null : Number(limit.value) }) });
  const label = h("label.st-max-price.nbb-small", { hidden: true }, "The price is not known exactly. A run may cost at most $", limit);
  const go = h(
    "button.nbb-go",
    { type: "button", "aria-keyshortcuts": "Control+Enter Meta+Enter", onclick: () => form.run() },
    "Run",
    h("span.st-go-keys", { "aria-hidden": "true" }, h("kbd", {}, isMac ? "⌘" : "Ctrl"), h("kbd", {}, "↵")),
  );
  const add = h("button.nbb-boxed", { type: "button", onclick: () => form.insertRegion() }, "Add to the prompt");
  const anyway = h("button", { type: "button", onclick: () => form.run(true) }, "Run anyway");
  const answers = h("span.st-answers", { hidden: true }, add, anyway);
  const warning = h("div.st-warning.nbb-row.nbb-small", { role: "status", hidden: true }, icon("region"), h("span", {}, "The region is not in the prompt: the model will not know of it."), answers);
  const element = h("div.st-foot", {}, form.trouble.at("run"), warning, service, h("div.st-price", { role: "group", "aria-label": "Price and budget" }, h("p", {}, amount, " ", how), bar, left, label), go);

  return {
    element,
    /** Say at Run that a region was drawn and the prompt does not name it. @param {boolean} isMissing */
    warn(isMissing) {
      warning.hidden = !isMissing;
      if (!isMissing) answers.hidden = true;
    },
    /** Ask before a run whether the region is meant to stay out of the prompt; false where there is nothing to ask. */
    asksAboutRegion() {
      if (warning.hidden) return false;
      answers.hidden = false;
      add.focus();
      form.announce("The region is not in the prompt. Add it to the prompt, or run anyway.");
      return true;
    },
    update(price) {
      fill(amount, price.problem ? "No price" : (price.amount ?? "…"));
      fill(how, price.problem ? price.problem[0] : price.how);
      how.classList.toggle("nbb-small", how.textContent.length > LONG);
      label.hidden = !price.needs_max_price;
      how.title = price.note ?? "";
      bar.hidden = price.share === null;
      if (price.share !== null) bar.value = price.share;
      const words = [price.is_over ? "More than is left: " : "", price.left, price.left && price.is_play ? ", play money" : price.is_play ? "Play money." : ""];
      fill(left, price.is_over ? icon("note") : null, words.join(""));
    },
  };
}

/** @param {any} form what the parts of the Studio share @param {() => void} onchange called when another one runs it */
export function makeService(form, onchange) {
  const select = h("select", { onchange: () => form.say("service", { name: select.value }) });
  const element = h("label.st-service.nbb-line.nbb-small", { hidden: true }, h("span", {}, "Runs at"), select);
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
