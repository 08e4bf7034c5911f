// The viewer in a cell of its own.

import { fill, h } from "../shared/dom.js";
import { album } from "../shared/link.js";
import { makeComparisonPlace, makeNotices, mount } from "../shared/frame.js";
import { makeViewer } from "../shared/viewer.js";

let viewers = 0;

function render(context) {
  viewers += 1;
  const prefix = `nbbv${viewers}`;
  const root = h("section.nbb.nbb-viewer", { "aria-label": "Viewer" });
  const { trouble, waits, complain } = makeNotices("vw");
  /** @type {Map<string, any>} */
  const rows = new Map();
  const rowOf = ({ edit, index }) => rows.get(`${edit} ${index}`);
  const pictures = album();
  const viewer = makeViewer({
    isInline: true,
    id: (name) => `${prefix}-${name}`,
    say: (kind, content) => (content.what === "facts" ? viewer.facts(rowOf(content)) : line.say(kind, content)),
    compare: (ref) => line.say("compare", ref),
    thumbnail: (image, ref) => pictures.show(image, rowOf(ref).key),
  });
  const comparison = makeComparisonPlace(context.host, complain);
  const handlers = {
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
  const line = mount(context, root, handlers, waits);
  fill(root, waits, trouble, viewer.element, comparison.element);
  line.say("hello");
  return () => [line, viewer, comparison, pictures].forEach((one) => one.end());
}

export default { render };
