// The input pictures: dropped, pasted, chosen, typed; put in order by drag or by keyboard, and scaled before they travel.

import { button, count, fill, h, icon } from "../shared/dom.js";
import { makePointed, outlineOf } from "./region.js";

/**
 * @param {any} form what the parts of the Studio share
 * @param {(words: string) => void} insert puts words into the prompt at the caret
 */
export function makeInputs(form, insert) {
  const list = h("ol.st-inputs", { "aria-label": "Input pictures, the first is the main picture" });
  const tally = h("span.nbb-quiet.nbb-small.nbb-figures");
  const notes = h("ul.st-notes.nbb-small");
  const chooser = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "aria-label": "Choose pictures", onchange: () => send(chooser.files) });
  const word = h("input.nbb-files", {
    type: "text",
    placeholder: "Path, URL, variable or nb.history[3][0]",
    "aria-label": "Add a picture by its path, URL, variable or edit; Enter adds it",
    spellcheck: "false",
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (word.value.trim()) form.say("type", { text: word.value });
    },
  });
  const add = h("button.st-add.nbb-small", { type: "button", onclick: () => chooser.click() }, icon("plus"), h("span", {}, "Drop, paste or browse"));
  const help = h("p.nbb-unseen", { id: form.id("order") }, "Alt and an arrow key moves a picture, Delete removes it, r draws a region on it.");
  const pointed = makePointed(form, insert);
  const element = h(
    "section.st-part.st-pictures",
    { "aria-labelledby": form.id("inputs") },
    h("div.st-head.nbb-row", {}, h("h3", { id: form.id("inputs") }, "Input pictures"), tally),
    list,
    chooser,
    word,
    form.trouble.at("inputs"),
    pointed.element,
    notes,
    help,
  );
  let slots = [];
  let region = null;
  let focus = null;

  async function send(files) {
    for (const file of [...(files ?? [])].filter((one) => one.type.startsWith("image/") || /\.(heic|heif|avif|tiff?)$/i.test(one.name))) {
      form.announce(`${file.name} is read.`);
      try {
        const parcel = await pack(file);
        form.say("upload", { name: parcel.name, note: parcel.note }, [parcel.data]);
      } catch (error) {
        form.complain({ about: "upload", what: `${file.name} cannot be used.`, why: String(error.message ?? error), mend: "Give another picture." });
      }
    }
    chooser.value = "";
  }

  function onkey(event, at) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      focus = slots[at + 1]?.key ?? slots[at - 1]?.key ?? null;
      form.say("remove", { key: slots[at].key });
    } else if (step && event.altKey) {
      focus = slots[at].key;
      form.say("move", { key: slots[at].key, to: at + step });
      form.announce(`${slots[at].name}, now ${Math.min(slots.length, Math.max(1, at + step + 1))} of ${slots.length}`);
    } else if (event.key === "r" && !event.altKey && !event.ctrlKey && !event.metaKey) form.say("point", { key: slots[at].key });
    else if (step) list.querySelectorAll(".st-input-hold")[at + step]?.focus();
    else return;
    event.preventDefault();
  }

  function tile(slot, at) {
    const role = at === 0 ? "main picture" : "reference";
    const image = slot.picture ? form.album.show(h("img.nbb-fill", { alt: "" }), slot.picture) : h("span.st-blank.nbb-fill.nbb-small", {}, "URL");
    const hold = h(
      "button.st-input-hold",
      {
        type: "button",
        draggable: "true",
        "aria-label": `${at + 1}, ${role}: ${slot.name}, ${slot.size}`,
        "aria-describedby": form.id("order"),
        title: `${slot.operand ?? slot.name}, ${slot.size}`,
        onkeydown: (event) => onkey(event, at),
        ondragstart: (event) => {
          event.dataTransfer.setData("application/x-nbbanana-slot", slot.key);
          event.dataTransfer.effectAllowed = "move";
        },
      },
      image,
      outlineOf(slot, region),
    );
    const point = slot.picture && button(`Draw a region on ${slot.name}`, "region", () => form.say("point", { key: slot.key }), { bare: true, title: "Draw a region" });
    point?.classList.add("st-point");
    const remove = button(`Remove ${slot.name}`, "cross", () => form.say("remove", { key: slot.key }), { bare: true });
    remove.classList.add("st-remove");
    const name = h("span.st-name.nbb-small.nbb-clip.nbb-quiet", { title: slot.operand ?? slot.name }, slot.operand ?? slot.name);
    const place = h("span.nbb-small.nbb-clip", {}, at === 0 ? h("b", {}, "1 main", h("span.st-wide", {}, " picture")) : `${at + 1} reference`);
    return h("li.st-input.nbb-stack" + (at === 0 ? ".is-first" : ""), { ondragover: allow, ondrop: (event) => drop(event, at) }, hold, point, remove, place, name);
  }

  function allow(event) {
    event.preventDefault();
  }

  function drop(event, at) {
    const key = event.dataTransfer.getData("application/x-nbbanana-slot");
    if (!key) return;
    event.preventDefault();
    event.stopPropagation();
    form.say("move", { key, to: at });
  }

  /** Whatever was dropped anywhere on the form: files, or the address of a picture. */
  function dropped(event) {
    event.preventDefault();
    event.stopPropagation();
    form.root.classList.remove("is-over");
    const text = event.dataTransfer.getData("text/uri-list") || "";
    if (event.dataTransfer.files.length) send(event.dataTransfer.files);
    else if (text.startsWith("https://")) form.say("type", { text: text.split("\n")[0] });
  }

  form.root.addEventListener("dragover", (event) => {
    allow(event);
    form.root.classList.toggle("is-over", event.dataTransfer.types.includes("Files"));
  });
  form.root.addEventListener("dragleave", (event) => {
    if (!form.root.contains(event.relatedTarget)) form.root.classList.remove("is-over");
  });
  form.root.addEventListener("drop", dropped);
  form.root.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    send(event.clipboardData.files);
  });

  return {
    element,
    update(state) {
      const held = element.contains(document.activeElement) && document.activeElement?.closest(".st-input") ? focus : null;
      if (state.slots.length > slots.length) word.value = "";
      slots = state.slots;
      region = state.region;
      pointed.update(state);
      element.hidden = state.most === 0;
      const most = state.most === null ? "" : ` of ${state.most}`;
      fill(tally, slots.length < state.least ? `${slots.length}${most}, needs ${count(state.least, "picture")}` : `${slots.length}${most}`);
      fill(list, slots.map(tile), state.most !== null && slots.length >= state.most ? null : h("li", {}, add));
      fill(notes, slots.filter((slot) => slot.note).map((slot) => h("li", {}, icon("note"), h("span", {}, slot.note))));
      const at = slots.findIndex((slot) => slot.key === held);
      if (at >= 0) list.querySelectorAll(".st-input-hold")[at]?.focus();
    },
  };
}

/** What the service is sent of one picture at most; the kernel would scale down to the same. */
const MOST_BYTES = 6 * 1024 * 1024;
const MOST_PIXELS = 32_000_000;
/** After so many encodings the last is taken: each comes closer. */
const TRIES = 5;

/**
 * @typedef {{name: string, note: string, data: ArrayBuffer}} Parcel
 */

/**
 * A file as it travels.
 * @param {File} file
 * @returns {Promise<Parcel>}
 */
async function pack(file) {
  const name = file.name || "pasted.png";
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // HEIC and TIFF are for the kernel to read; what no browser reads cannot be scaled here either.
    if (file.size <= MOST_BYTES) return { name, note: "", data: await file.arrayBuffer() };
    throw new Error(`${name} is too large to travel from the browser, and the browser cannot read it to scale it: name its path instead.`);
  }
  const pixels = bitmap.width * bitmap.height;
  if (file.size <= MOST_BYTES && pixels <= MOST_PIXELS) {
    bitmap.close();
    return { name, note: "", data: await file.arrayBuffer() };
  }
  const scaled = await shrink(bitmap, Math.min(1, Math.sqrt(MOST_PIXELS / pixels), Math.sqrt((2 * MOST_BYTES) / pixels)));
  const note = `${name} was scaled in the browser from ${bitmap.width}×${bitmap.height} to ${scaled.width}×${scaled.height} before it travelled.`;
  bitmap.close();
  return { name, note, data: await scaled.blob.arrayBuffer() };
}

/** The bitmap as a PNG that may be sent, as large as a few tries find it. */
async function shrink(bitmap, scale) {
  let found = await encode(bitmap, scale);
  for (let tries = 1; found.blob.size > MOST_BYTES && tries < TRIES; tries += 1) {
    scale *= Math.sqrt(MOST_BYTES / found.blob.size) * 0.97;
    found = await encode(bitmap, scale);
  }
  return found;
}

async function encode(bitmap, scale) {
  const width = Math.max(1, Math.floor(bitmap.width * scale));
  const height = Math.max(1, Math.floor(bitmap.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  /** @type {Blob} */
  const blob = await new Promise((done, fail) => canvas.toBlob((made) => (made ? done(made) : fail(new Error("no PNG"))), "image/png"));
  return { blob, width, height };
}
