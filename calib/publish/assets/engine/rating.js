"use strict";
/**
 * Rating: scores up the tree, bands, gates, caps, points that move. calib.rating in the page.
 *
 * @typedef {{n: number, total: Float64Array, star: Int8Array, band: Int8Array,
 *   scores: Float64Array, failed: Uint8Array, capped: Uint8Array, moved: Float64Array | null,
 *   thresholds: Thresholds}} Rating  Stars count from 0; -1 where rating refuses. ``scores`` (n, m),
 *   ``failed`` (n, gated nodes), ``capped`` (n, caps) row by row; NaN for a node without a score.
 * @typedef {Float64Array[]} Scores  One row of leaf scores an enterprise, NaN where unanswered.
 */
const Rating = (() => {
  /** How many of the rising edges a score is strictly above.
   * @param {number} score @param {number[]} edges */
  function above(score, edges) {
    let k = 0;
    while (k < edges.length && score > edges[k]) k += 1;
    return k;
  }

  /** Fill the scores of one enterprise at every node and return its total.
   * @param {Index} index @param {ArrayLike<number>} row @param {ArrayLike<number>} own
   * @param {Float64Array} out @param {number} at */
  function scoreUp(index, row, own, out, at) {
    const { leaves, families } = index;
    for (let l = 0; l < leaves.length; l += 1) {
      out[at + leaves[l]] = Number.isNaN(row[l]) ? 0 : row[l];
    }
    let total = 0;
    for (let f = families.length - 1; f >= 0; f -= 1) {
      const { parent, members } = families[f];
      let sum = 0;
      for (let k = 0; k < members.length; k += 1) sum += out[at + members[k]] * own[members[k]];
      if (parent >= 0) out[at + parent] = sum; else total = sum;
    }
    return total;
  }

  /** @param {When} when @param {(code: string) => number} score @returns {boolean} */
  function holds(when, score) {
    if (when.node) {
      const x = score(when.node);
      if (when.kind === "below") return x < when.value - 1e-9;
      if (when.kind === "at_most") return x <= when.value + 1e-9;
      if (when.kind === "at_least") return x >= when.value - 1e-9;
      return x > when.value + 1e-9;
    }
    const count = when.parts.filter((p) => holds(p, score)).length;
    return count >= (when.kind === "any" ? 1 : when.kind === "all" ? when.parts.length : when.value);
  }

  /** The star that bands and gates give.
   * @param {Thresholds} t @param {number} band @param {ArrayLike<number>} reach */
  function starOf(t, band, reach) {
    let lowest = band;
    for (let p = 0; p < t.nodes.length; p += 1) {
      const reached = above(reach[p], t.gates[p]);
      if (reached < lowest) lowest = reached;
    }
    return t.oneStar && lowest < band ? band - 1 : lowest;
  }

  /** The highest star that caps allow, and which of them hold.
   * @param {Cap[]} caps @param {(code: string) => number} score @param {number} top
   * @param {Uint8Array} [out] @param {number} [at] */
  function capOf(caps, score, top, out, at = 0) {
    let allowed = top;
    for (let c = 0; c < caps.length; c += 1) {
      const held = holds(caps[c].when, score);
      if (held) allowed = Math.min(allowed, caps[c].top);
      if (out) out[at + c] = held ? 1 : 0;
    }
    return allowed;
  }

  /** @type {Map<string, number[][]>} */
  const tables = new Map();
  /** All allowed moves of points, the first part's gains first.
   * @param {number} parts @param {Compensation} how */
  function movesOf(parts, how) {
    const key = `${parts}/${how.points}/${how.step}`;
    const found = tables.get(key);
    if (found) return found;
    const steps = Math.floor(how.points / how.step + 1e-9);
    /** @type {number[][]} */
    let rows = [];
    for (let s = steps; s >= -steps; s -= 1) rows.push([s]);
    for (let p = 1; p < parts - 1; p += 1) {
      rows = rows.flatMap((row) => Array.from({ length: 2 * steps + 1 }, (_, s) => [...row, s - steps]));
    }
    const allowed = rows.filter((row) => row.reduce((a, x) => a + Math.abs(x), 0) <= steps
      && row.every((x, p) => p === 0 || row[p - 1] * x <= 0));
    const out = allowed.map((row) => row.map((x) => x * how.step));
    tables.set(key, out);
    return out;
  }

  /** Move points between neighbouring parts: change ``reach`` and return the moves.
   * @param {Index} index @param {Thresholds} t @param {Float64Array} reach */
  function compensate(index, t, reach) {
    const how = /** @type {Compensation} */ (t.compensation);
    const where = how.nodes.map((c) => t.nodes.indexOf(index.at.get(c) ?? -2));
    if (where.some((p) => p < 0)) throw new Error(`no gates at ${how.nodes.join(", ")}`);
    const parts = where.length;
    const highest = where.map((p) => t.gates[p][t.gates[p].length - 1]);
    const most = Math.max(...highest);
    const shift = highest.map((h) => (Number.isFinite(h) ? Number((most - h).toFixed(12)) : 0));
    const own = where.map((p, i) => reach[p] + shift[i]);
    let mean = 0;
    for (const x of own) mean += x;
    mean /= parts;
    const moves = movesOf(parts, how);
    let best = Infinity;
    let chosen = moves[0];
    for (const move of moves) {
      let cost = 0;
      let lowest = Infinity;
      for (let p = 0; p < parts; p += 1) {
        let x = own[p];
        if (p) x += move[p - 1];
        if (p < parts - 1) x -= move[p];
        if (how.towards === "balance") { const d = x - mean; cost += d * d; }
        else {
          // Thresholds are shifted as the scores are, so that both round alike.
          let k = 0;
          for (const e of t.gates[where[p]]) if (x > e + shift[p]) k += 1;
          lowest = Math.min(lowest, k);
        }
      }
      if (how.towards !== "balance") cost = -lowest;
      if (cost < best) { best = cost; chosen = move; }
    }
    for (let p = 0; p < parts; p += 1) {
      let x = own[p];
      if (p) x += chosen[p - 1];
      if (p < parts - 1) x -= chosen[p];
      reach[where[p]] = x - shift[p];
    }
    return chosen;
  }

  /** Return enterprises grouped by what they answered: places of rows, and the first of them.
   * @param {Scores} X */
  function patterns(X) {
    /** @type {Map<string, number[]>} */
    const groups = new Map();
    X.forEach((row, e) => {
      let key = "";
      for (let l = 0; l < row.length; l += 1) if (Number.isNaN(row[l])) key += `${l},`;
      const own = groups.get(key);
      if (own) own.push(e); else groups.set(key, [e]);
    });
    return [...groups].map(([key, rows]) => ({ rows, complete: key === "" }));
  }

  /** Rate the enterprises of a track.
   * @param {Index} index @param {Scores} X @param {ArrayLike<number>} local
   * @param {Thresholds} t @param {ReturnType<typeof patterns>} groups @returns {Rating} */
  function rate(index, X, local, t, groups = patterns(X)) {
    const n = X.length;
    const { m } = index;
    const P = t.nodes.length;
    const top = t.band.length;
    /** @type {Rating} */
    const out = {
      n, total: new Float64Array(n), star: new Int8Array(n), band: new Int8Array(n),
      scores: new Float64Array(n * m), failed: new Uint8Array(n * P),
      capped: new Uint8Array(n * t.caps.length), thresholds: t,
      moved: t.compensation ? new Float64Array(n * (t.compensation.nodes.length - 1)) : null,
    };
    const reach = new Float64Array(P);
    for (const { rows, complete } of groups) {
      const known = complete ? null : Tree.known(index, local, X[rows[0]]);
      const own = known ? Tree.effective(index, local, known) : local;
      const rated = !known || (index.families[0].members.some((i) => known[i] && local[i] > 0)
        && t.required.every((g) => known[g]));
      for (const e of rows) {
        const at = e * m;
        out.total[e] = scoreUp(index, X[e], own, out.scores, at);
        if (known) for (let i = 0; i < m; i += 1) if (!known[i]) out.scores[at + i] = NaN;
        if (!rated) {
          out.total[e] = NaN;
          out.star[e] = -1;
          out.band[e] = -1;
          continue;
        }
        for (let p = 0; p < P; p += 1) {
          const s = out.scores[at + t.nodes[p]];
          reach[p] = Number.isNaN(s) ? Infinity : s;
        }
        if (out.moved) out.moved.set(compensate(index, t, reach), e * (out.moved.length / n));
        const band = above(out.total[e], t.band);
        let star = starOf(t, band, reach);
        out.band[e] = t.hasBands ? band : star;
        if (t.hasBands) {
          for (let p = 0; p < P; p += 1) out.failed[e * P + p] = above(reach[p], t.gates[p]) < band ? 1 : 0;
        }
        if (t.caps.length) {
          star = Math.min(star, capOf(t.caps, (code) => scoreAt(index, out.scores, at, code), top,
            out.capped, e * t.caps.length));
        }
        out.star[e] = star;
      }
    }
    return out;
  }

  /** @param {Index} index @param {Float64Array} scores @param {number} at @param {string} code */
  function scoreAt(index, scores, at, code) {
    const i = index.at.get(code);
    return i === undefined ? NaN : scores[at + i];
  }

  /** Gated nodes and caps that cost an enterprise stars of its total.
   * @param {Rating} rating @param {number} e @returns {{gates: number[], caps: Cap[]}} */
  function causes(rating, e) {
    const t = rating.thresholds;
    if (!(rating.star[e] >= 0 && rating.star[e] < rating.band[e])) return { gates: [], caps: [] };
    return {
      gates: t.nodes.filter((_, p) => rating.failed[e * t.nodes.length + p]),
      caps: t.caps.filter((c, j) => rating.capped[e * t.caps.length + j] && c.top < rating.band[e]),
    };
  }

  return { above, scoreUp, holds, starOf, capOf, compensate, patterns, rate, scoreAt, causes };
})();
