"use strict";
/**
 * The tree of a track, as index arrays: calib.framework.tree in the page.
 *
 * @typedef {{zh: string, en: string}} Words
 * @typedef {Record<string, string>} Options  Rule options by name.
 * @typedef {{kind: string, options: number, degrees: number, scores: number[] | null,
 *   span: number[] | null}} Item
 * @typedef {{code: string, name: Words, codes: string[], names: Words[], parent: number[],
 *   depth: number[], items: (Item | null)[]}} Track  Nodes in preorder, items by leaf.
 * @typedef {{parent: number, members: number[]}} Family
 * @typedef {{code: string, m: number, codes: string[], at: Map<string, number>, parent: number[],
 *   depth: number[], children: number[][], families: Family[], leaves: number[],
 *   column: Int32Array}} Index  ``column`` is the place of a node among the leaves, or -1.
 */
const Tree = (() => {
  /** @param {Track} track @returns {Index} */
  function prepare(track) {
    const m = track.parent.length;
    /** @type {number[][]} */
    const children = Array.from({ length: m }, () => []);
    /** @type {number[]} */
    const top = [];
    track.parent.forEach((p, i) => (p < 0 ? top : children[p]).push(i));
    const families = [{ parent: -1, members: top }];
    children.forEach((own, i) => { if (own.length) families.push({ parent: i, members: own }); });
    const leaves = children.flatMap((own, i) => (own.length ? [] : [i]));
    const column = new Int32Array(m).fill(-1);
    leaves.forEach((leaf, l) => { column[leaf] = l; });
    return {
      code: track.code, m, codes: track.codes, parent: track.parent, depth: track.depth, children,
      families, leaves, column, at: new Map(track.codes.map((c, i) => [c, i])),
    };
  }

  /** Return the nodes that cut the tree at a depth: nodes there, and leaves above it.
   * @param {Index} index @param {number} depth */
  function atDepth(index, depth) {
    return index.codes.map((_, i) => i).filter((i) => index.depth[i] === depth
      || (index.depth[i] < depth && !index.children[i].length));
  }

  /** Return global weights: products of local weights from the root down to each node.
   * @param {Index} index @param {ArrayLike<number>} local */
  function globalWeights(index, local) {
    const out = Float64Array.from(local);
    for (let i = 0; i < index.m; i += 1) if (index.parent[i] >= 0) out[i] *= out[index.parent[i]];
    return out;
  }

  /** Return which nodes have a score: answered leaves, nodes with a scored child that counts.
   * @param {Index} index @param {ArrayLike<number>} local @param {ArrayLike<number>} scores */
  function known(index, local, scores) {
    const out = new Uint8Array(index.m);
    index.leaves.forEach((leaf, l) => { out[leaf] = Number.isNaN(scores[l]) ? 0 : 1; });
    for (let f = index.families.length - 1; f > 0; f -= 1) {
      const { parent, members } = index.families[f];
      out[parent] = members.some((i) => out[i] && local[i] > 0) ? 1 : 0;
    }
    return out;
  }

  /** Return local weights renormalised among scored siblings; a family without any gets 0.
   * @param {Index} index @param {ArrayLike<number>} local @param {Uint8Array} scored */
  function effective(index, local, scored) {
    const out = Float64Array.from(local, (w, i) => (scored[i] ? w : 0));
    for (const { members } of index.families) {
      let sum = 0;
      for (const i of members) sum += out[i];
      for (const i of members) out[i] = sum > 0 ? out[i] / sum : 0;
    }
    return out;
  }

  /** Set one weight of a family; its free siblings share the rest in proportion, or equally if
   * all of them are 0. The value is cut to what the locked siblings leave.
   * @param {number[]} local @param {number[]} members @param {number} at @param {number} value
   * @param {(i: number) => boolean} locked */
  function move(local, members, at, value, locked = () => false) {
    const out = local.slice();
    const rest = members.filter((i) => i !== at && !locked(i));
    if (!rest.length || locked(at)) return out;
    let held = 0;
    for (const i of members) if (i !== at && locked(i)) held += local[i];
    const free = Math.max(0, 1 - held);
    const now = Math.min(Math.max(value, 0), free);
    out[at] = now;
    const sum = rest.reduce((a, i) => a + local[i], 0);
    for (const i of rest) out[i] = sum > 0 ? local[i] * ((free - now) / sum) : (free - now) / rest.length;
    return out;
  }

  return { prepare, atDepth, globalWeights, known, effective, move };
})();
