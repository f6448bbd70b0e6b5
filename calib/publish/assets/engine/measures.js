"use strict";
/**
 * Measures of dominance that need only weights and moments, and transitions between two sets:
 * calib.outcomes.dominance.moments and calib.outcomes.compare in the page.
 */
const Measures = (() => {
  /** Shares of the mean total and of its variance at a level.
   * @param {Index} index @param {ArrayLike<number>} local @param {Rating} rating
   * @param {number} depth  Nodes that cut the tree there. */
  function shares(index, local, rating, depth) {
    const nodes = Tree.atDepth(index, depth);
    const weight = Tree.globalWeights(index, local);
    const rows = Array.from({ length: rating.n }, (_, e) => e).filter((e) => rating.star[e] >= 0);
    const n = rows.length;
    /** @param {number} e @param {number} i */
    const score = (e, i) => { const s = rating.scores[e * index.m + i]; return Number.isNaN(s) ? 0 : s; };
    const g = nodes.map((i) => weight[i]);
    const mean = nodes.map((i) => rows.reduce((a, e) => a + score(e, i), 0) / n);
    const totals = rows.map((e) => nodes.reduce((a, i, k) => a + g[k] * (score(e, i) - mean[k]), 0));
    const part = g.map((w, k) => w * mean[k]);
    const whole = part.reduce((a, x) => a + x, 0);
    const cov = nodes.map((i, k) => rows.reduce((a, e, r) => a + (score(e, i) - mean[k]) * totals[r], 0) / n);
    const own = nodes.map((i, k) => g[k] ** 2
      * rows.reduce((a, e) => a + (score(e, i) - mean[k]) ** 2, 0) / n);
    const variance = g.reduce((a, w, k) => a + w * cov[k], 0);
    const ownSum = own.reduce((a, x) => a + x, 0);
    const flat = variance <= 1e-14 * Math.max(ownSum, 1e-300) || ownSum <= 0;
    return {
      nodes, weight: g, contribution: part.map((x) => (whole > 0 ? x / whole : 0)),
      variance: g.map((w, k) => (flat ? 0 : w * cov[k] / variance)),
    };
  }

  /** Count who goes from which star to which, (K, K); enterprises without a star are left out.
   * @param {Int8Array} was @param {Int8Array} now @param {number} K */
  function transitions(was, now, K) {
    const out = Array.from({ length: K }, () => new Array(K).fill(0));
    was.forEach((s, e) => { if (s >= 0 && now[e] >= 0) out[s][now[e]] += 1; });
    return out;
  }

  return { shares, transitions };
})();
