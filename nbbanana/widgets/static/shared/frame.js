// What every form does alike: it talks to its other half, keeps its keys and its still, and says what stands in the way.

import { button, fill, h, keepClicks, keepKeys } from "./dom.js";
import { hideStill, link } from "./link.js";

/** The two lines under a form's bar: an error, and what it waits for. @param {string} kind a class of the form's own */
export function makeNotices(kind) {
  const trouble = h(`p.nbb-trouble.${kind}-trouble`, { role: "alert", hidden: true });
  const waits = h(`p.nbb-trouble.${kind}-waits`, { role: "status", hidden: true });
  const complain = ({ what, why, mend }) => {
    fill(trouble, `${what} ${why} ${mend}`);
    trouble.hidden = false;
  };
  return { trouble, waits, complain };
}

/**
 * Put a form into the page. Returns its line to Python, whose `end` takes the form away again.
 * @param {{model: any, el: HTMLElement}} context
 * @param {HTMLElement} root
 * @param {Record<string, (message: any, buffers: DataView[]) => void>} handlers what Python's messages do, by their kind
 * @param {HTMLElement} waits where it is said what stands in the way
 * @param {() => void} [ongone] the kernel went away under the form
 */
export function mount({ model, el }, root, handlers, waits, ongone) {
  let showStill = () => undefined;
  const receive = (message, buffers) => {
    handlers[message.kind]?.(message, buffers);
    if (message.kind !== "uid") return;
    showStill();
    showStill = hideStill(message.uid);
  };
  const line = link(model, receive, waits, ongone);
  const letKeysGo = keepKeys(root);
  keepClicks(root);
  el.replaceChildren(root);
  const end = () => {
    letKeysGo();
    line.end();
    showStill();
  };
  return { ...line, end };
}

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
    fill(element, h("div.st-embedded-head.nbb-row", {}, h("h3", {}, "Compare"), button("Close the comparison", "cross", end, { bare: true, boxed: true })), el);
    await other.render({ el, signal });
    element.scrollIntoView({ block: "nearest" });
  }
  return {
    element,
    end,
    show: (id) => open(id).catch((error) => complain({ about: "compare", what: "The comparison does not open here.", why: String(error), mend: "Use nb.compare(…) in a cell." })),
  };
}
