"use strict";
/**
 * Probabilities of stars under weights that vary as was stated: calib.acceptability in the page.
 *
 * @typedef {{members: number[], kind: "uniform" | "interval", within?: number}} Stated  How the
 *   weights of a family vary: uniform on the simplex, or so far around the weights of the set.
 * @typedef {{draws: number, shares: Float64Array[]}} Sampled  By track, (n, K) row by row.
 */
const LiveSampling = (() => {
  const MOST_DRAWS = 10000;
  const MOST_RATINGS = 4e6;
  /** @type {Map<string, Sampled | null>} */
  const done = new Map();

  /** How far shares of so many draws can lie from those of the run, by chance.
   * @param {number} draws @param {number} error  Largest standard error of the run's. */
  const tolerance = (draws, error) => 5 * Math.sqrt(0.25 / draws + error ** 2);

  /** Return shares of draws by star, null where no weights meet the ranges.
   * @param {Rated} rated @param {Record<string, Stated[]>} spread @param {boolean} shared
   * @returns {Sampled | null} */
  function shares(rated, spread, shared) {
    const key = JSON.stringify([rated.key, rated.local, rated.options, rated.rule]);
    const found = done.get(key);
    if (found !== undefined) return found;
    const n = rated.parts.reduce((a, p) => a + p.rating.n, 0);
    const size = Math.max(500, Math.min(MOST_DRAWS, Math.floor(MOST_RATINGS / Math.max(n, 1))));
    const { tracks } = rated.framework;
    /** @param {Part} part */
    const track = (part) => /** @type {Track} */ (tracks.find((t) => t.code === part.code));
    const local = rated.parts.map(({ part }) => rated.local[part.code]);
    const ranges = rated.parts.map(({ part }, k) => spread[part.code].map(({ members, kind, within = 1 }) => ({
      members, kind, low: members.map((i) => Math.max(0, local[k][i] - within)),
      high: members.map((i) => Math.min(1, local[k][i] + within)),
    })));
    Work.answer({ id: 0, kind: "data", samples: rated.parts.map(({ part }) => ({ track: track(part), X: part.X })) });
    const answer = /** @type {{counts: Uint32Array[] | null}} */ (Work.answer({
      id: 0, kind: "sample", rule: rated.rule, options: rated.options, local, ranges: { ranges, shared }, size, seed: 1,
    }));
    const out = answer.counts && {
      draws: size, shares: answer.counts.map((c) => Float64Array.from(c, (x) => x / size)),
    };
    if (done.size > 20) done.clear();
    done.set(key, out);
    return out;
  }

  /** @param {Rated} rated @param {Recipe} recipe */
  const of = (rated, recipe) => shares(rated, recipe.spread || {}, Boolean(recipe.shared));

  /** One row an enterprise, as calib.acceptability has it. @param {Named} ratings @param {Recipe} recipe
   * @returns {Row[]} */
  function enterprises(ratings, recipe) {
    const [name, rated] = ratings[0];
    const sampled = of(rated, recipe);
    const { first, labels } = rated.rule;
    const K = labels.length;
    if (!sampled) return [];
    return rated.parts.flatMap(({ part, rating }, k) => part.ids.map((id, e) => {
      const p = [...sampled.shares[k].subarray(e * K, e * K + K)];
      const star = rating.star[e];
      return {
        case: name, enterprise: id, name: part.names[e], track: part.code, star: star < 0 ? NaN : star + first,
        p_now: star < 0 ? NaN : p[star], likeliest: p.indexOf(Math.max(...p)) + first,
        ...Object.fromEntries(p.map((x, s) => [`p_${s + first}`, x])),
        error: Math.max(...p.map((x) => Math.sqrt(x * (1 - x) / sampled.draws))),
      };
    }));
  }

  /** Shares of enterprises by star, now and expected. @param {Named} ratings @param {Recipe} recipe
   * @returns {Row[]} */
  function expected(ratings, recipe) {
    const [name, rated] = ratings[0];
    const sampled = of(rated, recipe);
    const K = rated.rule.labels.length;
    if (!sampled) return [];
    // All enterprises stand above the tracks even where there is one track only.
    return ["all", ...rated.parts.map((p) => p.part.code)].flatMap((scope) => {
      const counts = LiveFrames.counts(rated, scope);
      const n = counts.reduce((a, c) => a + c, 0);
      const sums = new Array(K).fill(0);
      rated.parts.forEach(({ part }, k) => {
        if (scope === "all" || scope === part.code) sampled.shares[k].forEach((x, at) => { sums[at % K] += x; });
      });
      return counts.map((c, k) => ({
        case: name, scope, star: k + rated.rule.first, share_now: c / n, expected_share: sums[k] / n,
      }));
    });
  }

  return { of, enterprises, expected, tolerance };
})();
