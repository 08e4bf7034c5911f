// Other forms inside the Studio: their own front ends, speaking over the Studio's line to their own halves in Python.

import { button, fill, h } from "../shared/dom.js";
import { renderBrowser } from "../browser/view.js";
import { renderRegion } from "../region/view.js";

const FORMS = { region: renderRegion, browser: renderBrowser };

/**
 * @param {any} form what the parts of the Studio share
 * @param {Record<string, {host: HTMLElement, title: string, close: string, tools?: () => any[], onshow?: () => void, onhide?: () => void}>} places
 */
export function makeEmbedded(form, places) {
  /** @type {Map<string, {listeners: Set<Function>, end: () => void, back: Element | null}>} */
  const open = new Map();

  function leave(name) {
    const one = open.get(name);
    if (!one) return;
    open.delete(name);
    one.end();
    const { host, onhide } = places[name];
    const held = host.contains(form.active());
    fill(host);
    onhide?.();
    if (held && one.back?.isConnected) one.back.focus();
  }

  return {
    show(name) {
      leave(name);
      const { host, title, close, tools, onshow } = places[name];
      const listeners = new Set();
      const model = {
        on: (event, listener) => event === "msg:custom" && listeners.add(listener),
        off: (_event, listener) => listeners.delete(listener),
        send: (content, _callbacks, buffers) => form.say("embedded", { name, content }, buffers),
      };
      const el = h("div");
      const back = form.active();
      const head = h("div.st-embedded-head.nbb-row", {}, title && h("p.nbb-quiet.nbb-small", {}, title), h("span.st-embedded-tools.nbb-line.nbb-end", {}, tools?.() ?? [], button(close, null, () => form.say("leave", { name }), { boxed: true })));
      fill(host, head, el);
      onshow?.();
      // Its pictures come after its first words, so that it has to be known before it says them.
      const one = { listeners, end: () => undefined, back };
      open.set(name, one);
      one.end = FORMS[name]({ model, el });
      el.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
      host.scrollIntoView({ block: "nearest" });
    },
    receive({ name, content }, buffers) {
      for (const listener of open.get(name)?.listeners ?? []) listener(content, buffers);
    },
    leave,
    end: () => [...open.keys()].forEach(leave),
  };
}
