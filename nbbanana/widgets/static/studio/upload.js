// Pictures from the reader's own machine: scaled here first where they are larger than what would be sent.

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
export async function pack(file) {
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
