"use strict";
/**
 * Stars under many weights: a seeded generator, uniform draws on simplex and box, counts of stars.
 *
 * @typedef {{members: number[], low: number[], high: number[], kind: string}} Spread  Of a family:
 *   ``uniform`` on the simplex, ``interval`` between low and high, ``fixed``.
 */
const Sampling = (() => {
  /** xoshiro128** (Blackman and Vigna), seeded by splitmix32: numbers in [0, 1) of 53 bits.
   * @param {number} seed @returns {() => number} */
  function generator(seed) {
    let x = seed >>> 0;
    const s = Uint32Array.from({ length: 4 }, () => {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    });
    const word = () => {
      const r = Math.imul(s[1], 5);
      const out = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
      const t = s[1] << 9;
      s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t;
      s[3] = (s[3] << 11) | (s[3] >>> 21);
      return out;
    };
    return () => ((word() >>> 5) * 67108864 + (word() >>> 6)) / 9007199254740992;
  }

  /** Fill the weights of one family; false if the draw does not fit and must be repeated.
   * @param {Spread} range @param {() => number} random @param {Float64Array} out */
  function drawFamily(range, random, out) {
    const { members, low, high, kind } = range;
    if (kind === "uniform") {
      let sum = 0;
      for (const i of members) { out[i] = -Math.log1p(-random()); sum += out[i]; }
      for (const i of members) out[i] /= sum;
      return true;
    }
    // All coordinates but the widest; that one follows, and is kept if it fits.
    let last = 0;
    for (let k = 1; k < members.length; k += 1) if (high[k] - low[k] > high[last] - low[last]) last = k;
    let rest = 1;
    for (let k = 0; k < members.length; k += 1) {
      if (k === last) continue;
      const w = low[k] + (high[k] - low[k]) * random();
      out[members[k]] = w;
      rest -= w;
    }
    out[members[last]] = rest;
    return rest >= low[last] - 1e-12 && rest <= high[last] + 1e-12;
  }

  /** Draw the varying weights of a track; null when none meet the ranges.
   * @param {Spread[]} ranges @param {() => number} random @param {Float64Array} out */
  function draw(ranges, random, out) {
    for (const range of ranges) {
      let tries = 0;
      while (!drawFamily(range, random, out)) {
        tries += 1;
        if (tries > 100000) return false;
      }
    }
    return true;
  }

  /** Nodes under which no weight varies: scores there are constant over the draws.
   * @param {Index} index @param {Set<number>} varying */
  function frontier(index, varying) {
    const below = new Uint8Array(index.m);
    for (let i = index.m - 1; i >= 0; i -= 1) {
      const p = index.parent[i];
      if (p >= 0 && (varying.has(i) || below[i])) below[p] = 1;
    }
    const cut = [];
    for (let i = 0; i < index.m; i += 1) {
      const p = index.parent[i];
      if (!below[i] && (p < 0 || below[p])) cut.push(i);
    }
    return { cut, below };
  }

  /** Count the stars of enterprises over draws of the weights.
   * @param {Index} index @param {Scores} X @param {Thresholds} t @param {Float64Array[]} draws
   * @param {Set<number>} varying  Nodes whose local weight differs between draws.
   * @param {Uint32Array} counts  (n, K), added to. */
  function count(index, X, t, draws, varying, counts) {
    const K = t.band.length + 1;
    if (!draws.length || !X.length) return;
    if (t.compensation || t.caps.length || X.some((row) => row.some(Number.isNaN))) {
      const groups = Rating.patterns(X);
      for (const local of draws) {
        const { star } = Rating.rate(index, X, local, t, groups);
        for (let e = 0; e < star.length; e += 1) if (star[e] >= 0) counts[e * K + star[e]] += 1;
      }
      return;
    }
    countPlain(index, X, t, draws, varying, counts, K);
  }

  /** The same without gaps, caps and moves of points: scores under the frontier are summed once,
   * gates that do not vary are looked at once.
   * @param {Index} index @param {Scores} X @param {Thresholds} t @param {Float64Array[]} draws
   * @param {Set<number>} varying @param {Uint32Array} counts @param {number} K */
  function countPlain(index, X, t, draws, varying, counts, K) {
    const { m } = index;
    const { cut, below } = frontier(index, varying);
    const base = Rating.rate(index, X, draws[0], { ...t, nodes: [], gates: [], required: [] });
    const n = X.length;
    const top = new Uint8Array(n).fill(K - 1);
    const steady = t.nodes.flatMap((i, p) => (below[i] ? [] : [p]));
    for (let e = 0; e < n; e += 1) {
      for (const p of steady) {
        const reached = Rating.above(base.scores[e * m + t.nodes[p]], t.gates[p]);
        if (reached < top[e]) top[e] = reached;
      }
    }
    const moving = t.nodes.flatMap((i, p) => (below[i] && t.gates[p].some(Number.isFinite) ? [p] : []));
    // Columns run gate by gate, the total last where the gates do not cut the whole tree. Where
    // they do, the total is the sum over the gates.
    const under = moving.map((p) => cut.filter((c) => isUnder(index, c, t.nodes[p])));
    const flat = under.flat();
    const covers = flat.length === cut.length && new Set(flat).size === cut.length;
    const groups = covers ? under : [...under, cut];
    const heads = covers ? moving.map((p) => t.nodes[p]) : [...moving.map((p) => t.nodes[p]), -1];
    const columns = groups.flat();
    const u = columns.length;
    const ends = Int32Array.from(groups, (_, q) => groups.slice(0, q + 1).flat().length);
    const S = new Float64Array(n * u);
    for (let e = 0; e < n; e += 1) for (let c = 0; c < u; c += 1) S[e * u + c] = base.scores[e * m + columns[c]];
    const G = groups.length;
    const steps = K - 1;
    const bands = Float64Array.from(t.band);
    const edges = Float64Array.from(moving.flatMap((p) => t.gates[p]));
    const W = new Float64Array(u);
    const outer = new Float64Array(G);
    const up = columns.map((c, j) => path(index, c, heads[ends.findIndex((end) => j < end)]));
    const above = heads.map((h) => (h < 0 ? [] : path(index, h, -1)));
    for (const local of draws) {
      for (let c = 0; c < u; c += 1) W[c] = product(up[c], local);
      for (let q = 0; q < G; q += 1) outer[q] = product(above[q], local);
      pass(S, W, outer, ends, edges, bands, top, counts, n, moving.length, steps, covers, t.oneStar);
    }
  }

  /** Rate all enterprises under one draw; kept apart and flat, as it runs millions of times.
   * @param {Float64Array} S @param {Float64Array} W @param {Float64Array} outer
   * @param {Int32Array} ends @param {Float64Array} edges @param {Float64Array} bands
   * @param {Uint8Array} top @param {Uint32Array} counts @param {number} n @param {number} gates
   * @param {number} steps @param {boolean} covers @param {boolean} oneStar */
  function pass(S, W, outer, ends, edges, bands, top, counts, n, gates, steps, covers, oneStar) {
    const u = W.length;
    const G = ends.length;
    for (let e = 0; e < n; e += 1) {
      const at = e * u;
      let total = 0;
      let lowest = top[e];
      let c = 0;
      for (let q = 0; q < G; q += 1) {
        const end = ends[q];
        let sum = 0;
        let other = 0;  // two sums run side by side in the processor
        for (; c + 1 < end; c += 2) { sum += S[at + c] * W[c]; other += S[at + c + 1] * W[c + 1]; }
        if (c < end) { sum += S[at + c] * W[c]; c += 1; }
        sum += other;
        if (q >= gates) { total = sum; break; }
        if (covers) total += outer[q] * sum;
        const from = q * steps;
        while (lowest > 0 && !(sum > edges[from + lowest - 1])) lowest -= 1;
      }
      let band = 0;
      while (band < steps && total > bands[band]) band += 1;
      const star = lowest < band ? (oneStar ? band - 1 : lowest) : band;
      counts[e * (steps + 1) + star] += 1;
    }
  }

  /** Nodes from one up to below another (or to the top for -1).
   * @param {Index} index @param {number} node @param {number} head */
  function path(index, node, head) {
    const out = [];
    for (let i = node; i >= 0 && i !== head; i = index.parent[i]) out.push(i);
    return out;
  }
  /** @param {number[]} nodes @param {Float64Array} local */
  function product(nodes, local) {
    let w = 1;
    for (let j = 0; j < nodes.length; j += 1) w *= local[nodes[j]];
    return w;
  }

  /** @param {Index} index @param {number} node @param {number} above */
  function isUnder(index, node, above) {
    let i = node;
    while (i >= 0 && i !== above) i = index.parent[i];
    return i === above;
  }

  return { generator, draw, count };
})();
