// The prompt in parts, a field each: what stays, one change, where, what to avoid, lettering; and what to begin with.

import { button, fill, h, icon } from "../shared/dom.js";

/** Milliseconds after the last letter until the parts are told. */
const WAIT = 250;
const EDITED = "The prompt was edited by hand: the parts no longer hold.";

/**
 * @param {any} form what the parts of the Studio share
 * @param {() => void} flush tells what was written in the prompt and is not told yet
 */
export function makeParts(form, flush) {
  let written = 0;
  let seen = 0;
  let timer = 0;
  let made = "";
  let trouble = "";
  /** What was written and is not told yet; the others may be on their way here from a use case or a recall. */
  const untold = new Set();
  /** @type {Map<string, {box: any, line: any, count: number}>} */
  const boxes = new Map();
  const tally = h("span.nbb-quiet.nbb-small");
  const says = h("p", { role: "status" });
  const again = button("Compose again", null, () => form.say("compose"), { boxed: true });
  const state = h("div.st-parts-state.nbb-line.nbb-small", { hidden: true }, icon("note"), says, again);
  const host = h("div.st-parts-fields");
  const element = h("details.st-parts", {}, h("summary.nbb-row", {}, icon("fold"), h("span.st-title", {}, "Parts"), tally), host, state);

  const tell = () => {
    clearTimeout(timer);
    timer = 0;
    flush();
    form.say("parts", { fields: Object.fromEntries([...untold].map((name) => [name, boxes.get(name)?.box.value])), count: written });
    untold.clear();
  };
  const draw = (field) => {
    const oninput = () => {
      written += 1;
      one.count = written;
      untold.add(field.name);
      clearTimeout(timer);
      timer = window.setTimeout(tell, WAIT);
    };
    const box = field.several
      ? h("textarea", { rows: "1", placeholder: field.example, oninput })
      : h("input", { type: "text", placeholder: field.example, oninput });
    const one = { box, line: h("label", {}, h("span.st-label", {}, field.title), box), count: 0 };
    boxes.set(field.name, one);
    return one.line;
  };

  return {
    element,
    start: makeStart(form, () => {
      element.open = true;
    }),
    /** Tell what is not told yet; whether Python composes a prompt that is not shown here yet. */
    flush() {
      if (timer) tell();
      return written > seen;
    },
    /** Say whether the prompt is what the parts make. @param {string} words */
    compare(words) {
      const isEdited = made !== "" && words !== made;
      fill(says, trouble || (isEdited ? EDITED : ""));
      state.hidden = !trouble && !isEdited;
      again.hidden = Boolean(trouble);
    },
    /** @param {any} message */
    update({ parts, slots }) {
      if (!boxes.size) fill(host, parts.fields.map(draw));
      seen = parts.seen[form.here()] ?? 0;
      ({ made, trouble } = parts);
      for (const [name, { box, line, count }] of boxes) {
        const value = parts.values[name] ?? "";
        if (seen >= count && box.value !== value) box.value = value;
        line.hidden = !value && (name === "more" || (name === "reference" && slots.length < 2)) && !box.matches(":focus");
        if (box.matches("textarea")) box.rows = rowsOf(value);
      }
      fill(tally, parts.fields.filter(({ name }) => parts.values[name]).map(({ title }) => title.toLowerCase()).join(" · "));
    },
  };
}

/** So many rows of about 34 letters a field is high. @param {string} value */
function rowsOf(value) {
  const rows = value.split("\n").map((line) => Math.ceil(line.length / 34) || 1);
  return Math.min(4, rows.reduce((sum, one) => sum + one, 0));
}

/** What a prompt can begin with: the use cases and sample prompts of the document. */
function makeStart(form, onstart) {
  const select = h("select.st-start.nbb-small", {
    "aria-label": "Begin with a use case",
    onchange: () => {
      if (select.value) form.say("start", { id: select.value });
      select.value = "";
      onstart();
    },
  });
  let known = "";
  return {
    element: select,
    /** @param {any} message */
    update({ cases }) {
      const wanted = JSON.stringify(cases);
      if (wanted === known) return;
      known = wanted;
      const groups = [...new Set(cases.map((one) => one.group))];
      const options = (group) => cases.filter((one) => one.group === group).map((one) => h("option", { value: one.id, title: one.why }, one.title));
      fill(select, h("option", { value: "" }, "Begin with …"), groups.map((group) => h("optgroup", { label: group }, options(group))));
    },
  };
}
