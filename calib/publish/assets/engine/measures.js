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

  /** Cohen's weighted kappa of a transition matrix, NaN where one star is all there is.
   * @param {number[][]} matrix @param {number} power  1 for linear weights, 2 for quadratic ones. */
  function kappa(matrix, power) {
    const rows = matrix.map((row) => row.reduce((a, c) => a + c, 0));
    const columns = matrix.map((_, j) => matrix.reduce((a, row) => a + row[j], 0));
    const n = rows.reduce((a, c) => a + c, 0);
    let seen = 0;
    let chance = 0;
    matrix.forEach((row, i) => row.forEach((c, j) => {
      const far = Math.abs(i - j) ** power;
      seen += far * c;
      chance += far * rows[i] * columns[j] / n;
    }));
    return chance > 0 ? 1 - seen / chance : NaN;
  }

  /** Level numbers of totals: rounding noise makes no level. @param {number[]} x */
  function levels(x) {
    const order = x.map((_, i) => i).sort((i, j) => x[i] - x[j]);
    const most = Math.max(1e-300, ...x.map(Math.abs));
    const out = new Int32Array(x.length);
    let level = 0;
    order.forEach((i, k) => {
      if (k && x[i] - x[order[k - 1]] > 1e-9 * most) level += 1;
      out[i] = level;
    });
    return out;
  }

  /** Pairs within equal neighbours of a sorted list. @param {ArrayLike<number>} sorted */
  function ties(sorted) {
    let pairs = 0;
    let run = 1;
    for (let i = 1; i <= sorted.length; i += 1) {
      if (i < sorted.length && sorted[i] === sorted[i - 1]) run += 1;
      else { pairs += run * (run - 1) / 2; run = 1; }
    }
    return pairs;
  }
  /** Sort numbers and return how many pairs stood in falling order. @param {Int32Array} x */
  function inversions(x) {
    let count = 0;
    const other = new Int32Array(x.length);
    for (let width = 1; width < x.length; width *= 2) {
      for (let low = 0; low < x.length; low += 2 * width) {
        const mid = Math.min(low + width, x.length);
        const high = Math.min(low + 2 * width, x.length);
        let [i, j] = [low, mid];
        for (let k = low; k < high; k += 1) {
          if (j >= high || (i < mid && x[i] <= x[j])) { other[k] = x[i]; i += 1; }
          else { other[k] = x[j]; j += 1; count += mid - i; }
        }
      }
      x.set(other);
    }
    return count;
  }

  /** Kendall's tau-b of two series of totals (Knight's way, in n log n steps); totals that differ
   * by rounding noise are tied.
   * @param {number[]} x @param {number[]} y */
  function kendallTau(x, y) {
    const n = x.length;
    const [a, b] = [levels(x), levels(y)];
    const order = x.map((_, i) => i).sort((i, j) => a[i] - a[j] || b[i] - b[j]);
    const inA = ties(Int32Array.from(order, (i) => a[i]));
    const both = ties(order.map((i) => a[i] * n + b[i]));
    const moved = Int32Array.from(order, (i) => b[i]);
    const swaps = inversions(moved);
    const inB = ties(moved);
    const pairs = n * (n - 1) / 2;
    const spread = (pairs - inA) * (pairs - inB);
    return spread > 0 ? (pairs - inA - inB + both - 2 * swaps) / Math.sqrt(spread) : NaN;
  }

  return { shares, transitions, kappa, kendallTau };
})();
