"use strict";
/** From answers to scores: calib.rating.scoring and clusters in the page. */
const Answers = (() => {
  /** Scores of an item's options. @param {Item} item @param {string} option @param {Rule} rule */
  function optionScores(item, option, rule) {
    if (option === "given") {
      if (!item.scores) throw new Error("the item states no scores of its options");
      return item.scores;
    }
    const k = item.kind === "checklist" ? item.options + 1 : item.options;
    const halves = option === "half-steps" && (item.kind === "quantitative" || item.kind === "qualitative");
    const fromLow = option === "even-from-0" || item.kind === "checklist";
    return Array.from({ length: k }, (_, j) => rule.low
      + (rule.high - rule.low) * (halves ? (2 * j + 1) / (2 * k) : fromLow ? j / (k - 1) : (j + 1) / k));
  }

  /** Score the answers of enterprises; NaN is an unanswered item.
   * @param {Track} track @param {Scores} values @param {Rule} rule @param {Options} options
   * @returns {Scores} */
  function score(track, values, rule, options) {
    const fill = endsOf(track, rule, options);
    const columns = track.items.map((item) => (item === null || item.kind === "number" ? null
      : optionScores(item, options.option_score, rule)));
    return values.map((row) => Float64Array.from(row, (v, l) => {
      const item = track.items[l];
      const table = columns[l];
      if (Number.isNaN(v)) return fill[l];
      if (item === null) return NaN;
      if (table) return table[v - (item.kind === "checklist" ? 0 : 1)];
      if (!item.scores || !item.span) return v;
      const [a, b] = item.span;
      const [from, to] = item.scores;
      return from + (to - from) * (v - a) / (b - a);
    }));
  }

  /** The score that stands for an unanswered item, NaN where none does.
   * @param {Track} track @param {Rule} rule @param {Options} options @param {boolean} stated
   *   Whether values are scores already. */
  function endsOf(track, rule, options, stated = false) {
    const how = options.missing;
    return track.items.map((item) => {
      if (how === "zero") return rule.low;
      if (how !== "worst" && how !== "best") return NaN;
      const plain = stated || item === null || (item.kind === "number" && !item.scores);
      const scores = plain ? [rule.low, rule.high]
        : item.kind === "number" ? /** @type {number[]} */ (item.scores) : optionScores(item, options.option_score, rule);
      return how === "worst" ? Math.min(...scores) : Math.max(...scores);
    });
  }

  /** Fill unanswered items of scores as the rule option says.
   * @param {Track} track @param {Scores} values @param {Rule} rule @param {Options} options */
  function fillScores(track, values, rule, options) {
    const fill = endsOf(track, rule, options, true);
    return values.map((row) => row.map((x, l) => (Number.isNaN(x) ? fill[l] : x)));
  }

  /** Return which enterprises have answered enough to be rated: for the least coverage, and for
   * how unanswered items are treated.
   * @param {Index} index @param {Scores} values @param {Rule} rule @param {Options} options */
  function ratable(index, values, rule, options) {
    const enough = covered(index, values, rule.coverage);
    const how = options.missing;
    if (how !== "leave-out" && how !== "renormalise") return enough;
    const needed = how === "leave-out" ? [] : Limits.effective(rule, options, index).required;
    const under = needed.map((i) => leavesUnder(index, i));
    return values.map((row, e) => {
      if (!enough[e]) return false;
      if (how === "leave-out") return !row.some(Number.isNaN);
      return !row.every(Number.isNaN) && under.every((ls) => ls.some((l) => !Number.isNaN(row[l])));
    });
  }

  /** @param {Index} index @param {Scores} values @param {Coverage | null} coverage */
  function covered(index, values, coverage) {
    if (!coverage) return values.map(() => true);
    const needs = coverage.nodes.map(([codes, least]) => ({
      least, under: codes.flatMap((c) => (index.at.has(c) ? [leavesUnder(index, /** @type {number} */ (index.at.get(c)))] : [])),
    }));
    return values.map((row) => {
      const share = row.reduce((a, x) => a + (Number.isNaN(x) ? 0 : 1), 0) / row.length;
      return share >= coverage.items - 1e-12 && needs.every(({ least, under }) =>
        under.filter((leaves) => leaves.some((l) => !Number.isNaN(row[l]))).length >= least);
    });
  }

  /** @param {Index} index @param {number} node @returns {number[]} Columns of leaves. */
  function leavesUnder(index, node) {
    const own = index.children[node];
    return own.length ? own.flatMap((i) => leavesUnder(index, i)) : [index.column[node]];
  }

  /** Bands between clusters of totals (k-means as in the US hospital star ratings).
   * @param {number[]} totals @param {number} stars @param {number} strict */
  function clusterBands(totals, stars, strict) {
    const sorted = Float64Array.from(totals).sort();
    const n = sorted.length;
    // Quantiles as the inverse of the empirical distribution.
    const cuts = Array.from({ length: stars - 1 }, (_, k) =>
      sorted[Math.max(0, Math.ceil(n * ((k + 1) / stars) - 1))]);
    const parts = Array.from({ length: stars }, () => /** @type {number[]} */ ([]));
    for (const x of sorted) parts[cuts.filter((c) => x > c).length].push(x);
    if (new Set(sorted).size < stars || parts.some((p) => !p.length)) throw new Error("too few different totals");
    let centres = parts.map((p) => (p[(p.length - 1) >> 1] + p[p.length >> 1]) / 2);
    for (const reach of [Infinity, strict]) centres = converged(totals, centres, reach);
    return centres.slice(1).map((c, k) => (c + centres[k]) / 2);
  }

  /** @param {number[]} totals @param {number[]} centres @param {number} reach */
  function converged(totals, centres, reach) {
    let before = "";
    for (let pass = 0; pass < 1000; pass += 1) {
      const now = totals.map((x) => {
        let best = 0;
        for (let k = 1; k < centres.length; k += 1) {
          if (Math.abs(x - centres[k]) < Math.abs(x - centres[best])) best = k;
        }
        return Math.abs(x - centres[best]) <= reach ? best : -1 - best;
      });
      const key = now.join();
      if (key === before) break;
      before = key;
      const members = centres.map((_, k) => totals.filter((_x, e) => now[e] === k));
      if (members.some((p) => !p.length)) throw new Error("a cluster is left empty");
      centres = members.map((p) => p.reduce((a, x) => a + x, 0) / p.length);
    }
    return centres;
  }

  /** Return the rule with bands that come from enterprises under published weights put in.
   * @param {Rule} rule @param {Index[]} indices @param {Scores[]} X @param {number[][]} local
   * @returns {Rule} */
  function withClusters(rule, indices, X, local) {
    if (!rule.clusters) return rule;
    const strict = rule.clusters.strict ?? Infinity;
    const variants = indices.flatMap((index, k) => {
      if (!X[k].length) return [];
      const t = Limits.effective(rule, {}, index);
      const none = { ...t, nodes: [], gates: [], required: [], caps: [], compensation: null };
      const totals = [...Rating.rate(index, X[k], local[k], none).total];
      return [{ tracks: [index.code], years: [], bands: clusterBands(totals, rule.labels.length, strict) }];
    });
    return { ...rule, clusters: null, variants: [...rule.variants, ...variants] };
  }

  return { optionScores, score, fillScores, ratable, clusterBands, withClusters, leavesUnder };
})();
