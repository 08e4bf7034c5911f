// The viewer in a cell of its own.

import { fill, h, keepKeys } from "../shared/dom.js";
import { album, hideStill, link } from "../shared/link.js";
import { makeComparisonPlace } from "../shared/beside.js";
import { makeViewer } from "../shared/viewer.js";

let viewers = 0;

function render({ model, el, host }) {
  viewers += 1;
  const prefix = `nbbv${viewers}`;
  const root = h("section.nbb.nbb-viewer", { "aria-label": "Viewer" });
  const trouble = h("p.vw-trouble", { role: "alert", hidden: true });
  const waits = h("p.vw-trouble", { role: "status", hidden: true });
  /** @type {Map<string, any>} */
  const rows = new Map();
  const pictures = album();
  let showStill = () => undefined;
  const viewer = makeViewer({
    isInline: true,
    id: (name) => `${prefix}-${name}`,
    ask: (what, ref) => (what === "facts" ? viewer.facts(rows.get(`${ref.edit} ${ref.index}`)) : line.say("view", { ...ref, what })),
    save: (ref) => line.say("save", ref),
    compare: (ref) => line.say("compare", ref),
    thumbnail: (image, ref) => pictures.show(image, rows.get(`${ref.edit} ${ref.index}`).key),
  });
  const complain = (message) => {
    fill(trouble, `${message.what} ${message.why} ${message.mend}`);
    trouble.hidden = false;
  };
  const comparison = makeComparisonPlace(host, complain);
  const handlers = {
    uid: (message) => {
      showStill();
      showStill = hideStill(message.uid);
    },
    pictures: (message) => {
      for (const row of message.pictures) rows.set(`${row.edit} ${row.index}`, row);
      viewer.open(message.pictures.map(({ edit, index }) => ({ edit, index })));
    },
    picture: (message, buffers) => pictures.add(message.key, buffers[0]),
    large: (message, buffers) => viewer.receive(message, buffers[0]),
    said: (message) => viewer.said(message.text),
    compare: (message) => comparison.show(message.model),
    error: complain,
  };
  const line = link(model, (message, buffers) => handlers[message.kind]?.(message, buffers), waits);
  const letKeysGo = keepKeys(root);
  fill(root, waits, trouble, viewer.element, comparison.element);
  el.replaceChildren(root);
  line.say("hello");
  return () => {
    letKeysGo();
    line.end();
    viewer.end();
    comparison.end();
    pictures.end();
    showStill();
  };
}

export default { render };
