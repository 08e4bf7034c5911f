// The parameters, drawn from the model's schema: what is set is bold and can be set back to automatic.

import { button, fill, h, icon } from "../shared/dom.js";

const SHAPE = /^(\d+):(\d+)$/;

/** @param {any} form what the parts of the Studio share */
export function makeFields(form) {
  const tally = h("span.nbb-quiet.nbb-small.nbb-figures.st-tally");
  const host = h("div.st-fields");
  const element = h("details.st-part.st-options", {}, h("summary.nbb-row", {}, icon("fold"), h("span.st-title", {}, "Parameters"), tally), form.trouble.at("fields"), host);
  let drawn = "";
  /** @type {Map<string, (value: any) => void>} */
  let put = new Map();

  return {
    element,
    update(state) {
      const wanted = state.model + JSON.stringify(state.fields);
      if (wanted !== drawn) {
        drawn = wanted;
        put = new Map();
        fill(host, pair(state.fields.map((field) => draw(form, field, put))));
      }
      for (const field of state.fields) put.get(field.name)?.(state.values[field.name]);
      const set = state.fields.filter((field) => field.name in state.values).map((field) => gist(field, state.values[field.name]) + (isPreset(field, state.values[field.name]) ? ` (preset: ${reason(field)})` : ""));
      const left = state.fields.filter((field) => field.caution && !(field.name in state.values)).map((field) => field.caution);
      fill(tally, [set.length ? `${set.join(" · ")}, the rest automatic` : "all automatic", ...left].join(". "));
      tally.title = tally.textContent;
    },
  };
}

/** Whether a value is the one that the form set from the beginning. */
function isPreset(field, value) {
  return field.preset !== null && value === field.preset;
}

/** Why it was set, within a sentence: what the model does by itself. */
function reason(field) {
  return `${field.caution.charAt(0).toLowerCase()}${field.caution.slice(1).replace(/\.$/, "")}`;
}

/** A parameter that is set, as the folded line says it; `4:5`, `2K` and `png` say themselves what they are. */
function gist(field, value) {
  if (field.role === "count") return `${value} picture${value === 1 ? "" : "s"}`;
  const isPlain = field.kind === "string" && field.choices.length > 0;
  return isPlain ? wordOf(value) : `${field.title.toLowerCase()} ${wordOf(value)}`;
}

/** Narrow ones stand two in a row; one without a neighbour takes the whole row. */
function pair(boxes) {
  const isNarrow = (box) => box !== undefined && !box.matches(".is-wide, .is-check");
  for (let at = 0; at < boxes.length; at += 1) {
    if (!isNarrow(boxes[at])) continue;
    if (isNarrow(boxes[at + 1])) at += 1;
    else boxes[at].classList.add("is-wide");
  }
  return boxes;
}

/** One parameter: its name, what holds while it is not set, its control, what it costs. */
function draw(form, field, put) {
  const reset = button(`Set ${field.title.toLowerCase()} back to automatic`, "reset", () => form.say("set", { name: field.name, value: null }), { bare: true });
  const unless = h("span.nbb-quiet.nbb-small", {}, field.default === null ? "" : `default ${wordOf(field.default)}`);
  const control = pick(form, field);
  const cost = field.cost ? h("p.st-cost.nbb-small", { id: form.id(`${field.name}-cost`) }, icon("slow"), field.cost) : null;
  const why = h("span");
  const leave = button("Leave it to the model", null, () => form.say("set", { name: field.name, value: null }), { boxed: true });
  const caution = field.caution ? h("div.st-cost.nbb-small", {}, icon("note"), h("p", { id: form.id(`${field.name}-caution`) }, why), leave) : null;
  const about = [cost && `${field.name}-cost`, caution && `${field.name}-caution`].filter(Boolean).map((part) => form.id(part)).join(" ");
  const isCheck = field.kind === "boolean";
  const name = h("span.st-label", { id: form.id(field.name), title: field.description }, field.title);
  const box = h(
    `div.st-field${isCheck ? ".is-check" : ""}${field.choices.length > 4 || field.role === "seed" ? ".is-wide" : ""}`,
    { "data-name": field.name, role: "group", "aria-labelledby": form.id(field.name), "aria-describedby": about || null },
    h("div.st-field-head.nbb-line", {}, isCheck ? control.element : name, unless, reset),
    isCheck ? null : control.element,
    field.ends.length ? h("div.st-ends.nbb-quiet.nbb-small", { "aria-hidden": "true" }, field.ends.map((end) => h("span", {}, end))) : null,
    cost,
    caution,
  );
  if (isCheck) control.element.append(name);
  put.set(field.name, (value) => {
    const isSet = value !== undefined;
    box.classList.toggle("is-set", isSet);
    reset.hidden = !isSet;
    unless.hidden = isSet;
    leave.hidden = !isPreset(field, value);
    fill(why, leave.hidden ? (field.caution ?? "") : `Preset by this form: ${reason(field)}.`);
    control.put(value);
  });
  return box;
}

/** The control that fits a parameter: `put` shows a value, undefined for none. */
function pick(form, field) {
  const say = (value) => form.say("set", { name: field.name, value });
  if (field.role === "seed") return seed(form, field, say);
  if (field.kind === "boolean") return check(form, field, say);
  if (field.choices.length && field.choices.length <= 12) return choose(form, field, say);
  if (field.choices.length) return select(field, say);
  return type(field, say);
}

function choose(form, field, say) {
  const shapes = field.choices.filter((choice) => SHAPE.test(String(choice))).length > field.choices.length / 2;
  const radios = field.choices.map((choice) => h("input", { type: "radio", name: form.id(`pick-${field.name}`), value: String(choice), onchange: () => say(choice) }));
  const labels = field.choices.map((choice, at) =>
    h("label" + (String(choice) === String(field.default) ? ".is-default" : ""), {}, radios[at], shapes ? shape(String(choice)) : null, h("span", {}, wordOf(choice))),
  );
  return {
    element: h(shapes ? "div.st-shapes" : "div.st-row", { role: "radiogroup", "aria-labelledby": form.id(field.name) }, labels),
    put(value) {
      for (const radio of radios) radio.checked = value !== undefined && radio.value === String(value);
    },
  };
}

/** The outline of a ratio, each of about the same area. */
function shape(choice) {
  const found = SHAPE.exec(choice);
  const ratio = found ? Number(found[1]) / Number(found[2]) : 1;
  const height = Math.sqrt(200 / ratio);
  const width = height * ratio;
  const most = Math.max(width, height, 24) / 24;
  return h("i.st-shape" + (found ? "" : ".is-auto"), { "aria-hidden": "true", style: `width:${Math.round(width / most)}px;height:${Math.round(height / most)}px` });
}

function check(form, field, say) {
  const box = h("input", { type: "checkbox", "aria-labelledby": form.id(field.name), onchange: () => say(box.checked) });
  return {
    element: h("label.st-check.nbb-line", {}, box),
    put(value) {
      box.checked = value ?? field.default === true;
    },
  };
}

function select(field, say) {
  const list = h("select", { "aria-label": field.title, onchange: () => say(list.value === "" ? null : list.value) }, h("option", { value: "" }, "automatic"), field.choices.map((choice) => h("option", { value: String(choice) }, wordOf(choice))));
  return {
    element: list,
    put(value) {
      list.value = value === undefined ? "" : String(value);
    },
  };
}

/** A field to write in; a mask is its path or URL, and one that is made of the region is said so. */
function type(field, say) {
  const isNumber = field.kind === "integer" || field.kind === "number";
  const isMask = field.role === "mask";
  const usual = field.default === null ? "automatic" : String(field.default);
  const tell = () => {
    const text = isMask ? box.value.trim() : box.value;
    say(text === "" ? null : isNumber ? Number(text) : text);
  };
  const box = h("input", {
    type: isNumber ? "number" : "text",
    "aria-label": field.title,
    min: field.minimum,
    max: field.maximum,
    step: field.step ?? (field.kind === "number" ? "any" : null),
    placeholder: isMask ? "Path or URL; region: what you drew" : usual,
    spellcheck: isMask ? "false" : null,
    onchange: tell,
  });
  return { element: box, put: (value) => putIn(box, value) };
}

/** Show a value in a field, unless it is being written in. */
function putIn(box, value) {
  if (box.getRootNode().activeElement !== box) box.value = value ?? "";
}

function seed(form, field, say) {
  const box = h("input.nbb-figures", {
    type: "text",
    inputmode: "numeric",
    "aria-labelledby": form.id(field.name),
    "aria-describedby": form.id("seed-says"),
    placeholder: "random",
    onchange: () => say(box.value.trim() === "" ? null : Number(box.value)),
  });
  const dice = button("Roll a seed", "dice", () => form.say("new seed"), { bare: true, boxed: true });
  const lock = button("Lock the seed", "lock", () => form.say("lock"), { bare: true, boxed: true });
  const says = h("p.nbb-quiet.nbb-small", { id: form.id("seed-says") });
  return {
    element: h("div", {}, h("div.st-seed.nbb-line", {}, box, dice, lock), says),
    put(value) {
      const isSet = value !== undefined;
      putIn(box, value);
      lock.setAttribute("aria-pressed", String(isSet));
      lock.replaceChildren(icon(isSet ? "lock" : "unlock"));
      fill(says, isSet ? `Every run uses ${value}. Same seed: similar pictures, not identical ones.` : "Random for each run. The history keeps it.");
    },
  };
}

function wordOf(value) {
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
}
