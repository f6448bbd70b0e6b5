"use strict";
/**
 * The tables of a notebook, row by row: those of calib.rating and calib.outcomes.compare in the page.
 *
 * @typedef {Record<string, unknown>} Row
 * @typedef {[string, Rated][]} Named  Ratings by the names of their sets.
 */
const LiveFrames = (() => {
  /** Count who has each star. @param {Rating} rating @param {number} K */
  function countsOf(rating, K) {
    const out = new Array(K).fill(0);
    for (const s of rating.star) if (s >= 0) out[s] += 1;
    return out;
  }
  /** @param {Rated} rated */
  const scopes = (rated) => ["all", ...(rated.parts.length > 1 ? rated.parts.map((p) => p.part.code) : [])];
  /** @param {Rated} rated @param {string} scope */
  const within = (rated, scope) => rated.parts.filter((p) => scope === "all" || p.part.code === scope);
  /** @param {Rated} rated @param {string} scope */
  function counts(rated, scope) {
    const K = rated.rule.labels.length;
    return within(rated, scope).reduce((sum, { rating }) => countsOf(rating, K).map((c, k) => c + sum[k]),
      new Array(K).fill(0));
  }

  /** @param {Named} ratings @returns {Row[]} */
  const stars = (ratings) => ratings.flatMap(([set, rated]) => scopes(rated).flatMap((scope) => {
    const own = counts(rated, scope);
    const n = own.reduce((a, c) => a + c, 0);
    return own.map((count, k) => ({
      set, scope, star: k + rated.rule.first, label: rated.framework.english[k], count,
      share: n ? count / n : NaN,
    }));
  }));

  /** The star that a node's own score reaches, -1 where it has none.
   * @param {RatedPart} p @param {number} e @param {number} i */
  function nodeStar({ part, rating }, e, i) {
    const t = rating.thresholds;
    const score = rating.scores[e * part.index.m + i];
    const gate = t.nodes.indexOf(i);
    if (!t.hasBands) return gate < 0 ? -1 : Rating.above(Number.isNaN(score) ? Infinity : score, t.gates[gate]);
    return Number.isNaN(score) ? -1 : Rating.above(score, t.band);
  }

  /** @param {Named} ratings @returns {Row[]} */
  const nodeStars = (ratings) => ratings.flatMap(([set, rated]) => {
    const { first, labels } = rated.rule;
    /** @type {Map<string, number[]>} */
    const found = new Map();
    for (const p of rated.parts) {
      const { index } = p.part;
      index.codes.forEach((code, i) => {
        if (index.depth[i] !== 1) return;
        const own = found.get(code) || new Array(labels.length).fill(0);
        for (let e = 0; e < p.rating.n; e += 1) { const s = nodeStar(p, e, i); if (s >= 0) own[s] += 1; }
        found.set(code, own);
      });
    }
    return [...found].map(([node, own]) => ({
      set, node, ...Object.fromEntries(own.map((c, k) => [`star_${k + first}`, c])),
    }));
  });

  /** Gated nodes and caps that cost an enterprise stars. @param {RatedPart} p @param {number} e */
  function causedBy({ part, rating }, e) {
    const { gates, caps } = Rating.causes(rating, e);
    const codes = gates.map((i) => part.index.codes[i]);
    for (const cap of caps) codes.push([...new Set(Limits.nodesOf(cap.when))].join("/"));
    return [...new Set(codes)].join(", ");
  }

  /** What lacks to the next star, where bands and gates are all that it asks for.
   * @param {RatedPart} p @param {number} e @returns {Row} */
  function toNext({ part, rating }, e) {
    const t = rating.thresholds;
    if (t.caps.length || t.compensation) return {};
    const star = rating.star[e];
    const last = star === t.band.length;
    const k = Math.min(Math.max(star, 0), t.band.length - 1);
    let most = -1;
    let gap = -Infinity;
    t.nodes.forEach((i, p) => {
      const score = rating.scores[e * part.index.m + i];
      const lacks = Number.isNaN(score) ? -Infinity : t.gates[p][k] - score;
      if (most < 0 || lacks > gap) { most = p; gap = lacks; }
    });
    const short = Math.max(gap, 0);
    return {
      next_total: last ? NaN : Math.max(t.band[k] - rating.total[e], 0), next_gate: last ? NaN : short,
      next_node: short > 0 && !last ? part.index.codes[t.nodes[most]] : "",
    };
  }

  /** @param {Named} ratings @returns {Row[]} */
  const enterprises = (ratings) => ratings.flatMap(([set, rated]) => {
    const { first } = rated.rule;
    return rated.parts.flatMap((p) => p.part.ids.map((id, e) => {
      const star = p.rating.star[e];
      /** @type {Row} */
      const row = {
        set, enterprise: id, name: p.part.names[e], track: p.part.code, total: p.rating.total[e],
        band_star: star < 0 ? NaN : p.rating.band[e] + first, star: star < 0 ? NaN : star + first,
        label: star < 0 ? null : rated.framework.english[star], downgraded: star < p.rating.band[e],
        caused_by: causedBy(p, e), ...toNext(p, e),
      };
      p.part.index.codes.forEach((code, i) => {
        if (p.part.index.depth[i] > 1) return;
        const own = nodeStar(p, e, i);
        row[`score ${code}`] = p.rating.scores[e * p.part.index.m + i];
        row[`star ${code}`] = own < 0 ? NaN : own + first;
      });
      return row;
    }));
  });
  /** @param {Named} ratings */
  const downgrades = (ratings) => enterprises(ratings).filter((row) => row.downgraded);

  /** @param {Named} ratings @returns {Row[]} */
  function thresholds(ratings) {
    const rated = ratings[0][1];
    const { rule } = rated;
    if (!rated.framework.beyondGates) {
      const t = rated.parts[0].rating.thresholds;
      return rule.labels.map((_, k) => ({
        star: k + rule.first, total_above: k ? t.band[k - 1] : NaN, gate_above: k && t.gates.length ? t.gates[0][k - 1] : NaN,
      }));
    }
    return rated.parts.flatMap(({ part, rating: { thresholds: t } }) => [
      ...(t.hasBands ? t.band.map((b, k) => ({ star: k + 1 + rule.first, track: part.code, node: "", total_above: b, gate_above: NaN })) : []),
      ...t.nodes.flatMap((i, p) => t.gates[p].map((g, k) => ({
        star: k + 1 + rule.first, track: part.code, node: part.index.codes[i], total_above: NaN, gate_above: g,
      })).filter((row) => row.gate_above >= rule.low - rule.tolerance)),
    ]);
  }

  /** @param {Rated} was @param {Rated} is @param {string} scope */
  function matrix(was, is, scope) {
    const K = is.rule.labels.length;
    const out = Array.from({ length: K }, () => new Array(K).fill(0));
    within(is, scope).forEach((p) => {
      const other = /** @type {RatedPart} */ (was.parts.find((x) => x.part.code === p.part.code));
      Measures.transitions(other.rating.star, p.rating.star, K)
        .forEach((row, i) => row.forEach((c, j) => { out[i][j] += c; }));
    });
    return out;
  }

  /** @param {Named} ratings @param {string} base @returns {Row[]} */
  function agreement(ratings, base) {
    const was = baseOf(ratings, base);
    return ratings.filter(([set]) => set !== base).flatMap(([set, is]) => scopes(is).map((scope) => {
      const moves = matrix(was, is, scope);
      /** @param {(i: number, j: number) => boolean} which */
      const sum = (which) => moves.reduce((a, row, i) => a + row.reduce((b, c, j) => b + (which(i, j) ? c : 0), 0), 0);
      /** @type {number[]} */
      const a = [];
      /** @type {number[]} */
      const b = [];
      let downgraded = 0;
      within(is, scope).forEach((p) => {
        const other = /** @type {RatedPart} */ (was.parts.find((x) => x.part.code === p.part.code));
        p.rating.total.forEach((x, e) => {
          if (p.rating.star[e] < p.rating.band[e]) downgraded += 1;
          if (p.rating.star[e] >= 0 && other.rating.star[e] >= 0) { a.push(other.rating.total[e]); b.push(x); }
        });
      });
      const gaps = a.map((x, e) => Math.abs(b[e] - x));
      return {
        set, scope, n: a.length, same: sum((i, j) => i === j), up: sum((i, j) => j > i), down: sum((i, j) => j < i),
        kappa_linear: Measures.kappa(moves, 1), kappa_quadratic: Measures.kappa(moves, 2),
        kendall_tau: Measures.kendallTau(a, b), mean_abs_change: gaps.reduce((x, g) => x + g, 0) / gaps.length,
        max_abs_change: Math.max(...gaps), downgraded,
      };
    }));
  }
  /** @param {Named} ratings @param {string} base */
  const baseOf = (ratings, base) => /** @type {[string, Rated]} */ (ratings.find(([set]) => set === base))[1];

  /** @param {Named} ratings @param {string} base @returns {Row[]} */
  const transitions = (ratings, base) => ratings.flatMap(([set, is]) => scopes(is).flatMap((scope) => {
    const { first } = is.rule;
    return matrix(baseOf(ratings, base), is, scope).flatMap((row, i) => row.flatMap((count, j) => (
      count ? [{ set, scope, from_star: i + first, to_star: j + first, count }] : [])));
  }));

  /** What keeps an enterprise from a star that it does not have: calib.rating.causes in the page.
   * @param {RatedPart} p @param {number} e @param {number} star @param {number} tolerance */
  function obstacles({ part, rating }, e, star, tolerance) {
    const t = rating.thresholds;
    const k = star - 1;
    /** @param {number} score @param {number} edge */
    const onEdge = (score, edge) => (edge - score <= 2 * tolerance
      ? ` (exactly at ${LiveCells.fixed(edge - tolerance, 2).replace(/\.?0+$/, "")})` : "");
    /** @type {string[]} */
    const causes = [];
    if (t.hasBands && rating.band[e] <= k) causes.push(`total${onEdge(rating.total[e], t.band[k])}`);
    t.nodes.forEach((i, g) => {
      const score = rating.scores[e * part.index.m + i];
      if (score <= t.gates[g][k]) causes.push(`gate ${part.index.codes[i]}${onEdge(score, t.gates[g][k])}`);
    });
    t.caps.forEach((cap, c) => {
      if (rating.capped[e * t.caps.length + c] && cap.top <= k) causes.push(`gate ${[...new Set(Limits.nodesOf(cap.when))].join("/")}`);
    });
    return causes.join("; ") || "gate of a higher band";
  }

  /** @param {Named} ratings @param {string} base @returns {Row[]} */
  function movers(ratings, base) {
    const was = baseOf(ratings, base);
    return ratings.flatMap(([set, is]) => is.parts.flatMap((after) => {
      const before = /** @type {RatedPart} */ (was.parts.find((x) => x.part.code === after.part.code));
      const { first, tolerance } = is.rule;
      /** @type {Row[]} */
      const rows = [];
      after.rating.star.forEach((to, e) => {
        const from = before.rating.star[e];
        if (to === from || to < 0 || from < 0) return;
        const [low, high] = to > from ? [before, to] : [after, from];
        const totals = [before.rating.total[e], after.rating.total[e]];
        rows.push({
          set, enterprise: after.part.ids[e], name: after.part.names[e], track: after.part.code,
          from_star: from + first, to_star: to + first, direction: to > from ? "up" : "down",
          reason: obstacles(low, e, high, tolerance), total_before: totals[0], total_after: totals[1],
          total_change: totals[1] - totals[0],
        });
      });
      return rows;
    }));
  }

  /** @type {Record<string, (ratings: Named, base: string, recipe: Recipe) => Row[]>} */
  const TABLES = {
    acceptability: (ratings, _, recipe) => LiveSampling.enterprises(ratings, recipe),
    "expected-stars": (ratings, _, recipe) => LiveSampling.expected(ratings, recipe),
    stars, "node-stars": nodeStars, enterprises, downgrades, thresholds, agreement, transitions, movers,
  };

  return { TABLES, countsOf, counts, matrix, scopes, baseOf };
})();
