// The results: groups of pictures, one of them current, one toolbar for it.

import { button, count, files, fill, h, icon } from "../shared/dom.js";

const LETTERS = "ABCDEF";

/** @param {any} form what the parts of the Studio share */
export function makeGrid(form) {
  const element = h("div.st-groups");
  const pair = h("div.st-pair.nbb-row", { hidden: true });
  const empty = h("p.st-empty.nbb-quiet", {}, "Your pictures will appear here, the newest first.");
  /** @type {any[]} */
  let groups = [];
  /** @type {string[]} the pictures marked for comparing, `edit/index` */
  let chosen = [];
  /** @type {string | null} */
  let current = null;
  let isFirst = true;
  /** @type {Map<number, string | null>} what asking an edit again costs; null while it is asked */
  const prices = new Map();

  const at = (edit, index) => `${edit}/${index}`;
  const find = (key) => {
    for (const group of groups) for (const tile of group.tiles) if (at(group.edit, tile.index) === key) return { group, tile };
    return null;
  };
  const nameOf = (one) => one.dataset.act ?? one.textContent;
  const options = () => [...element.querySelectorAll("[role=option]")];

  function words(group, tile) {
    const key = at(group.edit, tile.index);
    const letter = chosen.indexOf(key);
    return [letter >= 0 ? `compare ${LETTERS[letter]}` : "", tile.starred ? "starred" : "", tile.rejected ? "rejected" : ""].filter(Boolean).join(", ");
  }

  function drawTile(group, tile) {
    const key = at(group.edit, tile.index);
    const said = words(group, tile);
    const letter = chosen.indexOf(key);
    const classes = (tile.starred ? ".is-starred" : "") + (tile.rejected ? ".is-rejected" : "");
    const image = h("img", { alt: "", width: tile.width, height: tile.height, style: `aspect-ratio:${tile.width}/${tile.height}` });
    return h(
      `div.st-tile${classes}`,
      {
        role: "option",
        "data-at": key,
        tabindex: key === current ? "0" : "-1",
        "aria-selected": String(key === current),
        "aria-label": [tile.name, said].filter(Boolean).join(", "),
        onclick: () => go(key),
        ondblclick: () => enlarge(group, tile),
        onfocus: () => key !== current && go(key, false),
      },
      h("span.st-frame", {}, tile.picture ? form.album.show(image, tile.picture) : image, letter >= 0 ? h("span.st-badge.is-letter", { "aria-hidden": "true" }, LETTERS[letter]) : null, tile.starred ? h("span.st-badge.is-star", { "aria-hidden": "true" }, icon("star")) : null),
      h("span.st-caption.nbb-small", { "aria-hidden": "true" }, h("span.st-tile-name", {}, tile.name), h("span.nbb-quiet", {}, said)),
    );
  }

  function drawGroup(group, isNewest) {
    const name = form.id(`edit-${group.edit}`);
    const holds = current?.startsWith(`${group.edit}/`);
    return h(
      `section.st-group${isNewest ? "" : ".is-older"}`,
      { "aria-labelledby": name },
      h("div.st-group-head", {}, h("h3.nbb-figures", { id: name }, `Edit ${group.edit}`), h("span.nbb-clip", { title: group.prompt }, group.gist), h("span.nbb-quiet.nbb-small.nbb-figures", {}, group.facts)),
      group.notes.map((note) => h("p.nbb-quiet.nbb-small.st-group-note", {}, note)),
      h("div.st-tiles", { role: "listbox", "aria-labelledby": name, "aria-orientation": "horizontal", style: `--many:${Math.min(4, group.tiles.length)};--ratio:${(group.tiles[0]?.width ?? 1) / (group.tiles[0]?.height ?? 1)}` }, group.tiles.map((tile) => drawTile(group, tile))),
      holds ? toolbar(group) : null,
    );
  }

  function toolbar(group) {
    const { tile } = find(current);
    const say = (kind, more = {}) => () => form.say(kind, { edit: group.edit, index: tile.index, ...more });
    const press = (word, symbol, isOn, onPress, key) => {
      const made = button(word, symbol, onPress, { key });
      made.setAttribute("aria-pressed", String(isOn));
      return made;
    };
    return h(
      "div.st-tools.nbb-row",
      { role: "toolbar", "aria-label": `For ${tile.name}` },
      button("Enlarge", "search", () => enlarge(group, tile), { key: "Enter" }),
      button("Use as input", "input", say("take")),
      vary(group.edit),
      button("Edit further", "pencil", say("begin from"), { title: "Make it the only input, with an empty prompt" }),
      h("span.st-gap", { "aria-hidden": "true" }),
      press("Compare", "compare", chosen.includes(current), () => act("c"), "c"),
      press("Star", "star", tile.starred, () => act("s"), "s"),
      press("Reject", "cross", tile.rejected, () => act("x"), "x"),
      h("span.st-gap", { "aria-hidden": "true" }),
      files(button("Save", "save", say("save"), { title: "Write it into the notebook's folder" })),
      button("Copy as a cell", "copy", () => form.say("copy", { edit: group.edit })),
    );
  }

  /** See the pictures of an edit large, beginning with one. */
  function enlarge(group, tile) {
    form.view(group.tiles.map(({ index }) => ({ edit: group.edit, index })), group.tiles.indexOf(tile));
  }

  /** A run of its own: its price is said before it is pressed. */
  function vary(edit) {
    if (!prices.has(edit)) {
      prices.set(edit, null);
      form.say("price of vary", { edit });
    }
    const price = prices.get(edit);
    const made = button(price === null ? "Vary …" : `Vary, ${price || "price unknown"}`, "vary", () => {
      prices.delete(edit);
      form.say("vary", { edit });
    }, { title: "Run the same request with a new seed" });
    made.disabled = price === null;
    made.dataset.act = "vary";
    return made;
  }

  function render() {
    const active = form.active();
    const held = active && element.contains(active) ? { at: active.closest("[data-at]")?.dataset.at, word: active.closest(".st-tools") ? nameOf(active) : null } : null;
    fill(element, groups.length ? groups.map((group, place) => drawGroup(group, place === 0)) : empty);
    drawPair();
    if (held?.word) [...element.querySelectorAll(".st-tools button")].find((one) => nameOf(one) === held.word)?.focus();
    else if (held?.at) options().find((one) => one.dataset.at === current)?.focus();
  }

  function drawPair() {
    pair.hidden = chosen.length === 0;
    const names = chosen.map((key, place) => h("span.st-chosen", {}, h("b", {}, LETTERS[place]), " ", find(key)?.tile.name ?? key));
    const open = h("button.nbb-boxed", { type: "button", disabled: chosen.length < 2, onclick: compare }, chosen.length < 2 ? "Mark another to compare" : `Compare ${LETTERS.slice(0, chosen.length).split("").join(", ").replace(/, (.)$/, " and $1")}`);
    fill(pair, names, open, h("button", { type: "button", onclick: () => choose([]) }, "Clear"));
  }

  function choose(keys) {
    chosen = keys;
    form.say("select", { pictures: chosen.map((key) => key.split("/").map(Number)) });
    render();
  }

  function compare() {
    form.say("compare", { pictures: chosen.map((key) => key.split("/").map(Number)) });
  }

  /** Make a picture the current one. */
  function go(key, move = true) {
    current = key;
    render();
    if (move) options().find((one) => one.dataset.at === key)?.focus();
  }

  /** Star, reject or mark the current picture for comparing. */
  function act(letter) {
    const found = current && find(current);
    if (!found) return;
    const { group, tile } = found;
    if (letter === "c") {
      const marked = chosen.includes(current);
      if (!marked && chosen.length === LETTERS.length) return form.announce(`${LETTERS.length} pictures are compared at most.`);
      choose(marked ? chosen.filter((key) => key !== current) : [...chosen, current]);
    } else {
      const what = letter === "s" ? "starred" : "rejected";
      const rating = tile[what] ? null : what;
      Object.assign(tile, { starred: rating === "starred", rejected: rating === "rejected" });
      form.say("rate", { edit: group.edit, index: tile.index, rating });
      render();
    }
    form.announce(`${tile.name}: ${words(group, tile) || "no mark"}`);
  }

  /** Walk with the arrow keys; up and down go to the picture that lies there. */
  function walk(key, from) {
    const found = key === "Enter" && find(from.dataset.at);
    if (found) {
      enlarge(found.group, found.tile);
      return true;
    }
    const all = options();
    const here = all.indexOf(from);
    if (here < 0) return false;
    let next = null;
    if (key === "ArrowRight" || key === "ArrowLeft") next = all[here + (key === "ArrowRight" ? 1 : -1)];
    if (key === "Home" || key === "End") next = key === "Home" ? all[0] : all.at(-1);
    if (key === "ArrowDown" || key === "ArrowUp") next = nearest(all, from, key === "ArrowDown");
    if (next) go(next.dataset.at);
    return ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"].includes(key);
  }

  return {
    element: h("div", {}, pair, element),
    act,
    walk,
    compare: () => chosen.length > 1 && compare(),
    /** Show the thumbnail of a picture in an `<img>`, where it is among the results. */
    picture(image, edit, index) {
      const found = find(at(edit, index));
      if (found?.tile.picture) form.album.show(image, found.tile.picture);
    },
    price(edit, amount) {
      prices.set(edit, amount);
      render();
    },
    /** Another service runs what is asked from now on: what was known of prices does not hold there. */
    forgetPrices() {
      prices.clear();
      render();
    },
    get hasCurrent() {
      return current !== null;
    },
    update(rows) {
      const newest = rows[0]?.edit;
      if (newest !== undefined && newest !== groups[0]?.edit && rows[0].tiles.length) {
        // Whoever walks the pictures keeps theirs: a key must not act on one that just came.
        if (current === null || !element.contains(form.active())) current = at(newest, rows[0].tiles[0].index);
        if (!isFirst) form.announce(`Edit ${newest} is here: ${count(rows[0].tiles.length, "picture")}.`);
      }
      isFirst = false;
      groups = rows;
      if (current && !find(current)) current = null;
      chosen = chosen.filter(find);
      render();
    },
  };
}

/** The option below or above another that lies nearest to it. */
function nearest(all, from, isDown) {
  const here = from.getBoundingClientRect();
  const middle = here.left + here.width / 2;
  const far = all
    .map((one) => ({ one, box: one.getBoundingClientRect() }))
    .filter(({ box }) => (isDown ? box.top >= here.bottom - 1 : box.bottom <= here.top + 1))
    .map(({ one, box }) => ({ one, far: Math.abs(isDown ? box.top - here.bottom : here.top - box.bottom) * 10 + Math.abs(box.left + box.width / 2 - middle) }));
  return far.sort((a, b) => a.far - b.far)[0]?.one ?? null;
}
