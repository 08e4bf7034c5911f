// The months of what is shown, as a scale beside the tiles: how many edits each has, and the way there.

import { count, fill, h } from "../shared/dom.js";

/** @param {any} form what the parts share: `jump(place)` */
export function makeMonths(form) {
  const element = h("div.br-months", { role: "group", "aria-label": "Months", onkeydown });
  /** @type {{place: number, name: string}[]} */
  let months = [];
  let here = -1;
  const buttons = () => [...element.querySelectorAll("button")];

  function onkeydown(event) {
    const all = buttons();
    const now = all.indexOf(event.composedPath()[0].closest("button"));
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    stop(all[Math.min(Math.max(to, 0), all.length - 1)]).focus();
  }

  /** Make a month the one at which Tab stops. */
  function stop(one) {
    for (const other of buttons()) other.tabIndex = other === one ? 0 : -1;
    return one;
  }

  return {
    element,
    update(message) {
      months = message.months;
      here = -1;
      element.hidden = months.length < 2;
      const most = Math.max(...months.map((one) => one.many));
      fill(element, months.map((one, number) => [
        one.year !== months[number - 1]?.year && h("span.br-year.nbb-quiet.nbb-small.nbb-figures", { "aria-hidden": "true" }, one.year),
        h("button.nbb-small", { type: "button", tabindex: number ? "-1" : "0", "aria-label": `${one.name}, ${count(one.many, "edit")}`, title: `${one.name}: ${count(one.many, "edit")}`, style: `--part: ${(100 * one.many) / most}%`, onclick: (event) => {
          stop(event.currentTarget);
          form.jump(one.place);
        } }, h("span", {}, one.month), h("span.nbb-quiet.nbb-figures", {}, one.many.toLocaleString("en"))),
      ]).flat());
    },
    /** Mark the month of the first tile that is in view. */
    mark(place) {
      const now = months.findLastIndex((one) => one.place <= place);
      if (now === here) return;
      here = now;
      for (const [number, one] of buttons().entries()) {
        if (number === now) one.setAttribute("aria-current", "true");
        else one.removeAttribute("aria-current");
      }
      const one = buttons()[now];
      if (!one || element.contains(form.root.getRootNode().activeElement)) return;
      stop(one);
      if (one.offsetTop < element.scrollTop) element.scrollTop = one.offsetTop;
      else if (one.offsetTop + one.offsetHeight > element.scrollTop + element.clientHeight) element.scrollTop = one.offsetTop + one.offsetHeight - element.clientHeight;
    },
  };
}
