// The line to the other half of the form: messages with an answer expected, and pictures that come as bytes.

/** Milliseconds without an answer after which the form says so. */
const PATIENCE = 1500;

/**
 * A line to Python.
 * @param {any} model the widget's model: `send`, `on`, `off`
 * @param {(message: any, buffers: DataView[]) => void} hear
 * @param {(waits: boolean) => void} onwait whether Python owes an answer for longer than it should
 */
export function link(model, hear, onwait) {
  let number = 0;
  let timer = 0;
  const owed = new Set();
  const watch = () => {
    clearTimeout(timer);
    if (owed.size === 0) onwait(false);
    else timer = window.setTimeout(() => onwait(owed.size > 0), PATIENCE);
  };
  const listen = (message, buffers) => {
    if (message.kind !== "heard") return hear(message, buffers ?? []);
    owed.delete(message.number);
    watch();
  };
  model.on("msg:custom", listen);
  return {
    /** @param {string} kind @param {Record<string, any>} [content] @param {ArrayBuffer[]} [buffers] */
    say(kind, content = {}, buffers = []) {
      number += 1;
      owed.add(number);
      watch();
      try {
        // Its promise, where there is one, fails when the kernel is gone: the missing answer says so.
        Promise.resolve(model.send({ ...content, kind, number }, undefined, buffers)).catch(() => undefined);
      } catch {
        onwait(true);
      }
    },
    end() {
      clearTimeout(timer);
      model.off("msg:custom", listen);
    },
  };
}

/** Pictures by their key, as addresses that an `<img>` takes; they are let go together. */
export function album() {
  /** @type {Map<string, string>} */
  const shelf = new Map();
  /** @type {Map<string, Set<HTMLImageElement>>} */
  const waiting = new Map();
  return {
    /** @param {string} key @param {DataView} bytes */
    add(key, bytes) {
      if (!shelf.has(key)) shelf.set(key, URL.createObjectURL(new Blob([bytes])));
      for (const image of waiting.get(key) ?? []) image.src = shelf.get(key) ?? "";
      waiting.delete(key);
    },
    /** Show a picture in an `<img>`, now or once it is there. */
    show(image, key) {
      if (shelf.has(key)) image.src = shelf.get(key) ?? "";
      else waiting.set(key, (waiting.get(key) ?? new Set()).add(image));
      return image;
    },
    end() {
      for (const url of shelf.values()) URL.revokeObjectURL(url);
      shelf.clear();
      waiting.clear();
    },
  };
}

/** Hide the form's still as long as the live form is there; returns what shows it again. */
export function hideStill(uid) {
  const style = document.createElement("style");
  style.textContent = `.nbb-still-${uid}, .jp-OutputArea-child:has(.nbb-still-${uid}) { display: none !important; }`;
  document.head.append(style);
  return () => style.remove();
}
