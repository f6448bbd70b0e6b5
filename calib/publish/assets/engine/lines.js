"use strict";
/**
 * What one weight alone does to stars, its free siblings making room in proportion:
 * calib.rating.one_weight in the page, with locked siblings and unanswered items.
 *
 * @typedef {{from: number, to: number, star: number}} Piece  A stretch of a weight and the star there.
 * @typedef {{low: number, high: number, star: number, below: number, above: number}} Interval
 * @typedef {{low: number, high: number, pieces: {from: number, to: number, up: number,
 *   down: number}[]}} Strip  Spread of a weight, and how many stars differ from now on each stretch.
 */
const Lines = (() => {
  /** Whether weights can be followed through the rule by straight lines.
   * @param {Thresholds} t */
  const followed = (t) => t.compensation === null;

  /** How a family shares out one weight u: each sibling has ``fixed + slope * u``.
   * @param {ArrayLike<number>} local @param {number[]} members @param {number} node
   * @param {(i: number) => boolean} locked
   * @returns {{free: number, fixed: number[], slope: number[]} | null} */
  function sharing(local, members, node, locked) {
    const rest = members.filter((i) => i !== node && !locked(i));
    if (!rest.length || locked(node)) return null;
    let held = 0;
    let sum = 0;
    for (const i of members) {
      if (i === node) continue;
      if (locked(i)) held += local[i]; else sum += local[i];
    }
    const free = 1 - held;
    const fixed = members.map((i) => {
      if (i === node) return 0;
      if (locked(i)) return local[i];
      return free * (sum > 0 ? local[i] / sum : 1 / rest.length);
    });
    const slope = members.map((i) => {
      if (i === node) return 1;
      if (locked(i)) return 0;
      return -(sum > 0 ? local[i] / sum : 1 / rest.length);
    });
    return { free, fixed, slope };
  }

  /** Everything that does not change from one enterprise of a group to the next.
   * @param {Index} index @param {ArrayLike<number>} local @param {Uint8Array | null} known
   * @param {ArrayLike<number>} own @param {Thresholds} t @param {number} node
   * @param {(i: number) => boolean} locked */
  function chainOf(index, local, known, own, t, node, locked) {
    const parent = index.parent[node];
    const family = index.families.find((f) => f.parent === parent);
    const members = family ? family.members : [];
    const share = sharing(local, members, node, locked);
    if (!share) return null;
    const inside = members.map((i) => !known || known[i] === 1);
    if (!inside.some(Boolean) || (known && parent >= 0 && !known[parent])) return null;
    // Above the parent, each score moves in proportion to the weights on the way.
    /** @type {{node: number, factor: number}[]} */
    const up = [];
    let factor = 1;
    for (let i = parent; i >= 0; i = index.parent[i]) {
      up.push({ node: i, factor });
      factor *= own[i];
    }
    let c = 1;
    let d = 0;
    if (!inside.every(Boolean)) {
      c = 0;
      members.forEach((_, k) => { if (inside[k]) { c += share.fixed[k]; d += share.slope[k]; } });
    }
    const capNodes = new Set(t.caps.flatMap((cap) => Limits.nodesOf(cap.when)));
    const watched = up.map((a) => ({
      ...a, gate: t.nodes.indexOf(a.node), capped: capNodes.has(index.codes[a.node]),
    }));
    return { members, share, inside, watched, factor, c, d, free: share.free };
  }

  /** The stars of one enterprise as one weight goes from 0 to what locked siblings leave.
   * @param {Index} index @param {NonNullable<ReturnType<typeof chainOf>>} chain
   * @param {Rating} rating @param {number} e @param {number[]} values  Of caps, by node of the chain.
   * @returns {Piece[]} */
  function pieces(index, chain, rating, e, values) {
    const t = rating.thresholds;
    const { m } = index;
    const s = rating.scores;
    const at = e * m;
    const total = rating.total[e];
    const parent = chain.watched.length ? chain.watched[0].node : -1;
    const now = parent < 0 ? total : s[at + parent];
    let a = 0;
    let b = 0;
    chain.members.forEach((i, k) => {
      if (!chain.inside[k]) return;
      a += chain.share.fixed[k] * s[at + i];
      b += chain.share.slope[k] * s[at + i];
    });
    const { c, d, free, factor } = chain;
    /** @type {number[]} */
    const marks = [];
    /** @param {number} edge @param {number} level @param {number} f */
    const mark = (edge, level, f) => {
      if (!Number.isFinite(edge) || f === 0) return;
      const wanted = now + (edge - level) / f;
      const u = (wanted * c - a) / (b - wanted * d);
      if (u > 0 && u < free) marks.push(u);
    };
    const gap = factor;
    for (const edge of t.band) mark(edge, total, gap);
    for (const w of chain.watched) {
      const level = s[at + w.node];
      if (w.gate >= 0) for (const edge of t.gates[w.gate]) mark(edge, level, w.factor);
      if (w.capped) for (const v of values) { mark(v - 1e-9, level, w.factor); mark(v + 1e-9, level, w.factor); }
    }
    marks.sort((x, y) => x - y);
    marks.push(free);
    const reach = t.nodes.map((i) => { const x = s[at + i]; return Number.isNaN(x) ? Infinity : x; });
    const moving = chain.watched.some((w) => w.capped);
    let cap = t.band.length;
    if (t.caps.length && !moving) cap = Rating.capOf(t.caps, (code) => Rating.scoreAt(index, s, at, code), cap);
    /** @type {Piece[]} */
    const out = [];
    let from = 0;
    for (const to of marks) {
      // Thresholds that are met at one weight leave nothing between them but rounding.
      if (to - from <= 1e-12 && to < free) continue;
      const u = (from + to) / 2;
      const move = (a + b * u) / (c + d * u) - now;
      for (const w of chain.watched) if (w.gate >= 0) reach[w.gate] = s[at + w.node] + w.factor * move;
      let star = Rating.starOf(t, Rating.above(total + gap * move, t.band), reach);
      if (moving) {
        cap = Rating.capOf(t.caps, (code) => {
          const w = chain.watched.find((x) => index.codes[x.node] === code);
          return w ? s[at + w.node] + w.factor * move : Rating.scoreAt(index, s, at, code);
        }, t.band.length);
      }
      star = Math.min(star, cap);
      const last = out[out.length - 1];
      if (last && last.star === star) last.to = to; else out.push({ from, to, star });
      from = to;
    }
    return out;
  }

  /** @param {Thresholds} t @returns {number[]} */
  function capValues(t) {
    /** @param {When} when @returns {number[]} */
    const of = (when) => (when.node ? [when.value] : []).concat(...when.parts.map(of));
    return t.caps.flatMap((c) => of(c.when));
  }

  /** Call back with the pieces of every rated enterprise along one weight.
   * @param {Index} index @param {Scores} X @param {ArrayLike<number>} local @param {Rating} rating
   * @param {number} node @param {(i: number) => boolean} locked
   * @param {(e: number, pieces: Piece[]) => void} take
   * @param {ReturnType<typeof Rating.patterns>} groups */
  function along(index, X, local, rating, node, locked, take, groups = Rating.patterns(X)) {
    const t = rating.thresholds;
    const values = capValues(t);
    for (const { rows, complete } of groups) {
      const known = complete ? null : Tree.known(index, local, X[rows[0]]);
      const own = known ? Tree.effective(index, local, known) : local;
      const chain = chainOf(index, local, known, own, t, node, locked);
      if (!chain) continue;
      for (const e of rows) if (rating.star[e] >= 0) take(e, pieces(index, chain, rating, e, values));
    }
  }

  /** The interval around the weight now in which each star holds, null where it cannot move.
   * @param {Index} index @param {Scores} X @param {ArrayLike<number>} local @param {Rating} rating
   * @param {number} node @returns {(Interval | null)[]} */
  function intervals(index, X, local, rating, node) {
    /** @type {(Interval | null)[]} */
    const out = new Array(X.length).fill(null);
    const w = local[node];
    if (w >= 1 - 1e-12) return out;
    along(index, X, local, rating, node, () => false, (e, found) => {
      const star = rating.star[e];
      let low = 0;
      let below = star;
      for (const p of found) if (p.from < w && p.star !== star) { low = Math.min(p.to, w); below = p.star; }
      const next = found.find((p) => p.to > w && p.star !== star);
      out[e] = {
        low, below, star, high: next ? Math.max(next.from, w) : 1, above: next ? next.star : star,
      };
    });
    return out;
  }

  /** How many stars are above and below those of now on each stretch of one weight, over tracks.
   * @param {{index: Index, X: Scores, local: number[], rating: Rating, node: number,
   *   locked: (i: number) => boolean, groups?: ReturnType<typeof Rating.patterns>}[]} parts
   * @returns {Strip | null} */
  function strip(parts) {
    /** @type {[number, number, number][]} */
    const steps = [];
    let high = 0;
    let found = false;
    for (const { index, X, local, rating, node, locked, groups } of parts) {
      if (!followed(rating.thresholds)) return null;
      const family = index.families.find((f) => f.parent === index.parent[node]);
      const share = family ? sharing(local, family.members, node, locked) : null;
      if (!share) continue;
      found = true;
      high = Math.max(high, share.free);
      along(index, X, local, rating, node, locked, (e, pieces) => {
        for (const p of pieces) {
          const up = p.star > rating.star[e] ? 1 : 0;
          const down = p.star < rating.star[e] ? 1 : 0;
          if (up || down) steps.push([p.from, up, down], [p.to, -up, -down]);
        }
      }, groups);
    }
    if (!found) return null;
    steps.sort((x, y) => x[0] - y[0]);
    /** @type {Strip["pieces"]} */
    const out = [];
    let from = 0;
    let up = 0;
    let down = 0;
    for (const [at, du, dd] of steps) {
      if (at > from + 1e-12) {
        const last = out[out.length - 1];
        if (last && last.up === up && last.down === down) last.to = at;
        else out.push({ from, to: at, up, down });
        from = at;
      }
      up += du;
      down += dd;
    }
    if (from < high - 1e-12) out.push({ from, to: high, up: 0, down: 0 });
    return { low: 0, high, pieces: out };
  }

  return { followed, intervals, strip, along, sharing };
})();
