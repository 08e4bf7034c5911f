// The line above: the model, who runs it, what was done; and errors, each under the control that caused it.

import { button, fill, h } from "../shared/dom.js";

/** Milliseconds that a confirmation stays; what it offers to undo stays possible in the bar. */
const STAY = 9000;
/** Where an error is shown, by what was asked; anything else is shown under Run. */
const PLACES = {
  inputs: ["type", "go on", "upload", "remove", "move", "point"],
  fields: ["set", "new seed", "lock", "mend"],
  results: ["rate", "vary", "price of vary", "begin from", "save", "select", "compare", "show", "take"],
  past: ["look", "recall", "search", "older", "browse", "open"],
  bar: ["copy", "model", "hello"],
};

/** @param {any} form what the parts of the Studio share @param {any} keys */
export function makeBar(form, keys) {
  const models = h("select", { "aria-label": "Model", onchange: () => form.say("model", { id: models.value }) });
  const provider = h("p.nbb-quiet.nbb-small.st-provider");
  const undo = button("Undo", "undo", () => form.say("undo"), { bare: true });
  const copy = button("Copy this form as a cell", "copy", () => form.say("copy"));
  copy.classList.add("st-copy");
  copy.setAttribute("aria-label", "Copy this form as a cell");
  const help = button("Keys", null, () => keys.show(), { bare: true });
  fill(help, h("kbd", { "aria-hidden": "true" }, "?"));
  let known = "";
  return {
    element: h("header.st-bar.nbb-bar", {}, h("h2", {}, "Studio"), models, provider, form.said.element, h("span.st-bar-tools.nbb-end", {}, undo, copy, help), form.trouble.at("bar")),
    update(state) {
      const wanted = JSON.stringify(state.models);
      if (wanted !== known) fill(models, state.models.map((one) => h("option", { value: one.id, title: one.title }, one.name)));
      known = wanted;
      models.value = state.model;
      models.title = state.summary;
      fill(provider, state.service.words);
      undo.disabled = state.undo === null;
      undo.title = state.undo === null ? "Nothing to undo" : `Undo: ${state.undo}`;
    },
  };
}

/** A line in the bar that says what was done and offers to take it back; it leaves by itself. */
export function makeSaid(form) {
  const words = h("span");
  const undo = h("button.nbb-boxed", { type: "button", onclick: () => form.say("undo") }, "Undo");
  const element = h("div.st-toast.nbb-row", { hidden: true }, words, undo, button("Close this message", "cross", hide, { bare: true }));
  const leave = inSight(element);
  let timer = 0;

  function hide() {
    clearTimeout(timer);
    element.hidden = true;
  }

  return {
    element,
    hide,
    end() {
      hide();
      leave();
    },
    show(text, canUndo) {
      fill(words, text);
      undo.hidden = !canUndo;
      element.hidden = false;
      form.announce(text);
      clearTimeout(timer);
      timer = window.setTimeout(() => (element.matches(":hover, :focus-within") ? undefined : hide()), STAY);
    },
  };
}

/**
 * Lay an element over the page while its own place is scrolled out of sight: a form is often longer than the window.
 * @param {HTMLElement} element
 */
function inSight(element) {
  const observer = new IntersectionObserver(([{ isIntersecting }]) => {
    element.popover = isIntersecting ? null : "manual";
    if (!isIntersecting && element.isConnected) element.showPopover();
  });
  // The bar that it stands in, which is there before the first message is.
  queueMicrotask(() => element.parentElement && observer.observe(element.parentElement));
  return () => observer.disconnect();
}

/** Errors: one at a time, in the place of what caused it, until the next step. */
export function makeTrouble() {
  /** @type {Map<string, HTMLElement>} */
  const places = new Map();
  const clear = () => places.forEach((place) => {
    place.hidden = true;
    fill(place);
  });
  return {
    /** @param {string} name */
    at(name) {
      if (!places.has(name)) places.set(name, h("div.st-trouble", { role: "alert", hidden: true }));
      return places.get(name);
    },
    clear,
    /** @param {{about?: string, what: string, why?: string, mend?: string}} error */
    show({ about, what, why, mend }) {
      clear();
      const place = places.get(Object.keys(PLACES).find((one) => PLACES[one].includes(about ?? "")) ?? "run");
      const lines = [h("b", {}, what), why && h("span", {}, why), mend && h("span", {}, mend)].filter(Boolean);
      place.hidden = false;
      fill(place, h("p", {}, lines.map((line) => [line, h("br")]).flat().slice(0, -1)), button("Close this message", "cross", clear, { bare: true }));
      const details = place.closest("details");
      if (details) details.open = true;
      place.scrollIntoView({ block: "nearest" });
    },
  };
}
