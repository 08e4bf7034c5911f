// The comparison inside another form: a widget of its own, which the host shows.

import { button, fill, h } from "./dom.js";

/**
 * @param {any} widgets what the host gives: `getWidget`
 * @param {(error: {about: string, what: string, why: string, mend: string}) => void} complain
 */
export function makeComparisonPlace(widgets, complain) {
  const element = h("div.st-embedded");
  let visit = new AbortController();
  const end = () => {
    visit.abort();
    fill(element);
  };
  async function open(id) {
    end();
    visit = new AbortController();
    const { signal } = visit;
    const other = await widgets.getWidget(`anywidget:${id}`);
    const el = h("div");
    fill(element, h("div.st-embedded-head", {}, h("h3", {}, "Compare"), button("Close the comparison", "cross", end, { bare: true, boxed: true })), el);
    await other.render({ el, signal });
    element.scrollIntoView({ block: "nearest" });
  }
  return {
    element,
    end,
    show: (id) => open(id).catch((error) => complain({ about: "compare", what: "The comparison does not open here.", why: String(error), mend: "Use nb.compare(…) in a cell." })),
  };
}
