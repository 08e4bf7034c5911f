// Where each edit of the strip lies: to the right with time, a lane for each line of descent.

/**
 * @typedef {{id: number, parents: number[], root: string}} Node
 * @typedef {{x: number, y: number}} Place
 */

/**
 * @param {Node[]} nodes the oldest first
 * @returns {{places: Map<number, Place>, roots: {root: string, y: number, node: any}[], wires: {from: Place | null, to: Place, child: number}[], lanes: number}}
 */
export function layOut(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const origin = new Map();
  for (const node of nodes) {
    const parent = node.parents.find((one) => byId.has(one));
    origin.set(node.id, parent === undefined ? node.root : origin.get(parent));
  }
  /** @type {Map<string, {tip: number, x: number}[]>} the lanes of each root, the first for what has no parent here */
  const blocks = new Map();
  const slot = new Map();
  /** @type {Map<number, number[]>} the children of each edit so far */
  const children = new Map();
  const roots = [];
  nodes.forEach((node, x) => {
    const root = origin.get(node.id);
    if (!blocks.has(root)) {
      blocks.set(root, []);
      roots.push({ root, node });
    }
    const lanes = blocks.get(root);
    const parent = node.parents.find((one) => byId.has(one));
    const lane = parent === undefined ? 0 : laneFor(lanes, parent, slot, children);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), node.id]);
    slot.set(node.id, { lane, x, parent });
    lanes[lane] = { tip: node.id, x };
  });
  const offset = new Map();
  let lanes = 0;
  for (const { root } of roots) {
    offset.set(root, lanes);
    lanes += blocks.get(root).length;
  }
  const places = new Map(nodes.map((node) => [node.id, { x: slot.get(node.id).x, y: offset.get(origin.get(node.id)) + slot.get(node.id).lane }]));
  const seen = new Map();
  const wires = nodes.map((node) => {
    const parent = node.parents.find((one) => byId.has(one));
    const root = origin.get(node.id);
    const before = parent === undefined ? (seen.get(root) ?? null) : parent;
    if (parent === undefined) seen.set(root, node.id);
    return { from: before === null ? null : places.get(before), to: places.get(node.id), child: node.id };
  });
  return { places, roots: roots.map(({ root, node }) => ({ root, node, y: offset.get(root) })), wires, lanes };
}

/**
 * Variations of one edit lie in one lane, as long as nothing else came between. A child goes on in its parent's lane
 * where nothing lies behind the parent and no variation before it, else in one that is free since. The first lane is
 * only for what was made of the root itself, or a child would seem to be the parent of what follows.
 */
function laneFor(lanes, parent, slot, children) {
  const at = slot.get(parent);
  const sibling = children.get(parent)?.at(-1);
  if (sibling !== undefined && lanes[slot.get(sibling).lane].tip === sibling) return slot.get(sibling).lane;
  const isAlone = (children.get(at.parent)?.length ?? 1) === 1;
  if (at.lane > 0 && isAlone && lanes[at.lane].tip === parent) return at.lane;
  const free = lanes.findIndex((lane, number) => number > at.lane && lane.x <= at.x);
  return free < 0 ? lanes.length : free;
}

/** The way of a wire in pixels: along, round a corner, along. */
export function wirePath(wire, step, half, reach) {
  const toX = wire.to.x * step;
  const toY = wire.to.y * step + half;
  if (wire.from === null) return `M${-reach} ${toY}H${toX}`;
  const fromX = wire.from.x * step + half * 2 - 8;
  const fromY = wire.from.y * step + half;
  if (fromY === toY) return `M${fromX} ${fromY}H${toX}`;
  const middle = wire.from.x * step + half - 4;
  return `M${middle} ${fromY + half - 8}V${toY - 8}q0 8 8 8H${toX}`;
}
