// Tiles of which only those in view exist: a list of any length over rows that Python tells on demand.

import { fill, h } from "../shared/dom.js";

/** CSS pixels between tiles, the least width of one in each size, and the rows beyond the edges that are kept ready. */
const GAP = 8;
const LEAST = { S: 76, M: 116, L: 200 };
const SPARE = 1;
/** Milliseconds that the view rests before its rows are asked for. */
const REST = 60;

/** @param {any} form what the parts share: `state`, `say`, `album`, `look(place)`, `chose()`, `scrolled(place)` for the last of the first row in view */
export function makeTiles(form) {
  const { state } = form;
  const canvas = h("div.br-canvas");
  const element = h("div.br-tiles.nbb-inset", { tabindex: "0", role: "listbox", "aria-multiselectable": "true", "aria-label": "Edits", onkeydown, onscroll: () => draw() }, canvas);
  const day = h("p.br-day.nbb-small", { "aria-hidden": "true" });
  /** @type {Map<number, any>} tiles by their place */
  const shown = new Map();
  let timer = 0;
  let asked = "";
  let room = { width: 0, height: 0 };
  const observer = new ResizeObserver(() => {
    room = { width: element.clientWidth, height: element.clientHeight };
    draw();
  });
  observer.observe(element);

  const measure = () => measureOf(state.size);

  function measureOf(size) {
    const width = room.width - 2 * GAP;
    const across = Math.max(size === "L" ? 1 : 2, Math.floor((width + GAP) / (LEAST[size] + GAP)));
    const side = (width - (across - 1) * GAP) / across;
    return { across, side, step: side + GAP };
  }

  /** The places from and to which tiles are in view, a row more on each side. */
  function range() {
    const { across, step } = measure();
    const first = Math.max(0, Math.floor(element.scrollTop / step) - SPARE) * across;
    const last = Math.ceil((element.scrollTop + room.height) / step + SPARE) * across;
    return { first, last: Math.min(last, state.many) };
  }

  function draw() {
    if (!room.width) return;
    const { across, side, step } = measure();
    const { first, last } = range();
    canvas.style.height = `${Math.ceil(state.many / across) * step + GAP}px`;
    for (const [place, tile] of shown) {
      if (place >= first && place < last) continue;
      tile.remove();
      shown.delete(place);
    }
    for (let place = first; place < last; place += 1) {
      const tile = shown.get(place) ?? add(place);
      tile.style.width = tile.style.height = `${side}px`;
      tile.style.transform = `translate(${GAP + (place % across) * step}px, ${GAP + Math.floor(place / across) * step}px)`;
    }
    const top = Math.floor((element.scrollTop + GAP) / step) * across;
    fill(day, state.rows.get(top)?.day ?? "");
    form.scrolled(Math.min(top + across, state.many) - 1);
    ask(first, last);
  }

  function ask(first, last) {
    const wish = `${state.turn} ${first} ${last}`;
    if (wish === asked || first >= last) return;
    asked = wish;
    clearTimeout(timer);
    timer = window.setTimeout(() => form.say("rows", { first, last }), REST);
  }

  function add(place) {
    const tile = h("div.br-tile", { role: "option", id: form.id(`tile${place}`), "aria-posinset": String(place + 1), "aria-setsize": String(state.many), onclick: (event) => clicked(event, place), ondblclick: () => form.enlarge() });
    shown.set(place, tile);
    canvas.append(tile);
    dress(place);
    return tile;
  }

  /** Show what is known of an edit on its tile. */
  function dress(place) {
    const tile = shown.get(place);
    const row = state.rows.get(place);
    if (!tile) return;
    const isChosen = row !== undefined && state.chosen.has(row.id);
    tile.setAttribute("aria-selected", String(isChosen));
    tile.classList.toggle("is-current", place === state.current);
    tile.setAttribute("aria-label", row ? nameOf(row) : "not loaded yet");
    if (!row) return fill(tile);
    tile.classList.toggle("is-rejected", row.rejected);
    const image = row.key ? form.album.show(h("img.nbb-fill", { alt: "", draggable: "false" }), row.key) : h("span.br-none.nbb-small", {}, row.word);
    fill(tile, image, h("span.br-number", {}, h("span.br-id", {}, String(row.id)), row.many > 1 && h("span", {}, `×${row.many}`)), row.starred && h("span.br-badge.br-star", {}, "★"), row.rejected && h("span.br-badge.br-reject", {}, "×"), isChosen && h("span.br-badge.br-picked", {}, "✓"));
  }

  function nameOf(row) {
    const marks = [row.starred && "starred", row.rejected && "rejected", row.word, row.many > 1 && `${row.many} pictures`];
    return [`history ${row.id}`, ...marks.filter(Boolean), row.day, row.prompt].join(", ");
  }

  // ── walking and choosing ────────────────────────────────────────────────────────────────────────────────

  /** Make an edit the current one, in view; or its row the first one in view. */
  function go(place, isOnTop = false) {
    const before = state.current;
    state.current = Math.min(Math.max(place, 0), state.many - 1);
    const { across, side, step } = measure();
    const top = GAP + Math.floor(state.current / across) * step;
    if (isOnTop || top < element.scrollTop) element.scrollTop = top - GAP;
    else if (top + side > element.scrollTop + room.height) element.scrollTop = top + side + GAP - room.height;
    draw();
    dress(before);
    dress(state.current);
    element.setAttribute("aria-activedescendant", form.id(`tile${state.current}`));
    form.look(state.current);
  }

  function choose(place) {
    const row = state.rows.get(place);
    if (!row) return;
    if (!state.chosen.delete(row.id)) state.chosen.add(row.id);
    dress(place);
    form.chose();
  }

  function clicked(event, place) {
    element.focus({ preventScroll: true });
    go(place);
    if (event.ctrlKey || event.metaKey || event.shiftKey) choose(place);
  }

  function onkeydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !state.many) return;
    const { across, step } = measure();
    const page = across * Math.max(1, Math.floor(room.height / step));
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, PageUp: -page, PageDown: page }[event.key];
    const end = { Home: 0, End: state.many - 1 }[event.key];
    if (end !== undefined) go(end);
    else if (way !== undefined) go(state.current < 0 ? 0 : state.current + way);
    else if (event.key === " ") choose(state.current);
    else if (event.key === "Enter") form.enlarge();
    else return;
    event.preventDefault();
  }

  return {
    element,
    day,
    draw,
    go,
    /** Other edits match: begin anew, at the edit that is looked at where it is among them. */
    reset(place) {
      for (const tile of shown.values()) tile.remove();
      shown.clear();
      asked = "";
      state.current = -1;
      element.removeAttribute("aria-activedescendant");
      element.scrollTop = 0;
      if (place < 0 || !room.width) draw();
      else go(place);
    },
    /** The tiles have another size: what is in view stays there. */
    resize(before) {
      const top = Math.floor(element.scrollTop / measureOf(before).step) * measureOf(before).across;
      element.scrollTop = Math.floor(top / measure().across) * measure().step;
      asked = "";
      draw();
    },
    dress: () => [...shown.keys()].forEach(dress),
    told() {
      // First what asks for the layout, then what changes it: the other way round each answer would lay out twice.
      draw();
      [...shown.keys()].forEach(dress);
    },
    end() {
      clearTimeout(timer);
      observer.disconnect();
    },
  };
}
