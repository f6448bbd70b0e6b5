"use strict";
/**
 * One enterprise's way to the next star: what is lacking, and the fewest points that reach it.
 *
 * @typedef {{kind: string, node: number, now: number, needed: number, lacking: number}} Need
 *   ``kind`` total or gate; ``node`` -1 for the total.
 * @typedef {{leaf: number, from: number, to: number}} Raise
 * @typedef {{star: number, needs: Need[], alone: Raise[], together: Raise[], points: number,
 *   held: boolean} | null} Way  ``alone``: single items that would do, the smallest rise first;
 *   ``together``: the rises with the least sum; ``held``: a cap would still hold.
 */
const Way = (() => {
  const JUST = 1e-9;

  /** @param {Index} index @param {ArrayLike<number>} row @param {ArrayLike<number>} local
   * @param {Thresholds} t @param {number} high  Best score of an item. @returns {Way} */
  function next(index, row, local, t, high) {
    const X = [Float64Array.from(row)];
    const rating = Rating.rate(index, X, local, t);
    const star = rating.star[0] + 1;
    if (star === 0 || star > t.band.length || t.compensation) return null;
    const known = X[0].some(Number.isNaN) ? Tree.known(index, local, X[0]) : null;
    const own = known ? Tree.effective(index, local, known) : local;
    const weight = Tree.globalWeights(index, own);
    const k = star - 1;
    /** @type {Need[]} */
    const needs = [];
    /** @param {number} node @param {number} now @param {number} edge */
    const need = (node, now, edge) => {
      if (Number.isFinite(edge) && !Number.isNaN(now)) {
        needs.push({ kind: node < 0 ? "total" : "gate", node, now, needed: edge,
          lacking: now > edge ? 0 : edge - now + JUST });
      }
    };
    if (t.hasBands) need(-1, rating.total[0], t.band[k]);
    t.nodes.forEach((i, p) => need(i, rating.scores[i], t.gates[p][k]));
    const leaves = index.leaves.map((leaf, l) => ({ leaf, l })).filter(({ l }) => !Number.isNaN(X[0][l]));
    const alone = leaves.flatMap(({ leaf, l }) => {
      const to = oneItem(index, needs, own, weight, leaf, X[0][l]);
      return to <= high && reaches(index, X[0], local, t, [{ leaf, from: X[0][l], to }]) >= star
        ? [{ leaf, from: X[0][l], to }] : [];
    }).sort((x, y) => (x.to - x.from) - (y.to - y.from));
    const together = fewest(index, needs, own, weight, X[0], high);
    const points = together.reduce((a, r) => a + r.to - r.from, 0);
    const held = together.length > 0 && reaches(index, X[0], local, t, together) < star;
    return { star, needs, alone, together, points, held };
  }

  /** @param {Index} index @param {ArrayLike<number>} row @param {ArrayLike<number>} local
   * @param {Thresholds} t @param {Raise[]} raises */
  function reaches(index, row, local, t, raises) {
    const X = Float64Array.from(row);
    for (const r of raises) X[index.column[r.leaf]] = r.to;
    return Rating.rate(index, [X], local, t).star[0];
  }

  /** Weight of a leaf inside a node above it (or of the whole for -1); 0 if it is not under it.
   * @param {Index} index @param {ArrayLike<number>} own @param {number} leaf @param {number} node */
  function inside(index, own, leaf, node) {
    let w = 1;
    let i = leaf;
    while (i >= 0 && i !== node) { w *= own[i]; i = index.parent[i]; }
    return i === node ? w : 0;
  }

  /** The score to which one item must rise, Infinity if it cannot do it alone.
   * @param {Index} index @param {Need[]} needs @param {ArrayLike<number>} own
   * @param {Float64Array} weight @param {number} leaf @param {number} now */
  function oneItem(index, needs, own, weight, leaf, now) {
    let rise = 0;
    for (const n of needs) {
      if (!n.lacking) continue;
      const w = n.node < 0 ? weight[leaf] : inside(index, own, leaf, n.node);
      rise = Math.max(rise, w > 0 ? n.lacking / w : Infinity);
    }
    return now + rise;
  }

  /** The rises of items with the least sum that meet all needs.
   *
   * Under a gate, items count in proportion to their weights for every need above, so that the
   * heaviest come first: gates from the lowest level up, the total last. That is the optimum, as
   * the needs are nested.
   * @param {Index} index @param {Need[]} needs @param {ArrayLike<number>} own
   * @param {Float64Array} weight @param {Float64Array} row @param {number} high @returns {Raise[]} */
  function fewest(index, needs, own, weight, row, high) {
    const to = Float64Array.from(row);
    const order = needs.slice().sort((x, y) => (y.node < 0 ? -1 : index.depth[y.node])
      - (x.node < 0 ? -1 : index.depth[x.node]));
    for (const n of order) {
      /** @param {number} leaf */
      const share = (leaf) => (n.node < 0 ? weight[leaf] : inside(index, own, leaf, n.node));
      const under = index.leaves.filter((leaf) => share(leaf) > 0
        && !Number.isNaN(row[index.column[leaf]])).sort((x, y) => share(y) - share(x));
      let lacking = n.lacking;
      for (const leaf of under) lacking -= share(leaf) * (to[index.column[leaf]] - row[index.column[leaf]]);
      for (const leaf of under) {
        if (lacking <= 0) break;
        const l = index.column[leaf];
        const step = Math.min(high - to[l], lacking / share(leaf));
        to[l] += step;
        lacking -= step * share(leaf);
      }
      if (lacking > 1e-9) return [];
    }
    return index.leaves.filter((leaf) => to[index.column[leaf]] > row[index.column[leaf]] + 1e-12)
      .map((leaf) => ({ leaf, from: row[index.column[leaf]], to: to[index.column[leaf]] }));
  }

  return { next };
})();
