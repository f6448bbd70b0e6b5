"use strict";
/**
 * What the reader has changed, and the ratings that follow from it.
 *
 * @typedef {{weights: Record<string, Weights>, years: Record<string, number>,
 *   options: Record<string, Options>, edits: Record<string, Edits>}} Changes  Weights and years by
 *   set, options and numbers of the rule by framework; what is not there is as executed.
 * @typedef {{code: string, index: Index, ids: string[], names: string[], X: Scores,
 *   groups: ReturnType<typeof Rating.patterns>}} Part  The enterprises of one track.
 * @typedef {{part: Part, rating: Rating}} RatedPart
 * @typedef {{key: string, framework: LiveFramework, rule: Rule, options: Options,
 *   local: Weights, parts: RatedPart[]}} Rated
 */
const LiveState = (() => {
  const { data } = LiveData;
  /** @returns {Changes} */
  const asExecuted = () => ({ weights: {}, years: {}, options: {}, edits: {} });
  let changes = asExecuted();

  /** @type {Map<string, Index>} */
  const indices = new Map();
  for (const [key, framework] of Object.entries(data.frameworks)) {
    for (const track of framework.tracks) indices.set(`${key}/${track.code}`, Tree.prepare(track));
  }
  /** @param {string} framework @param {string} track */
  const indexOf = (framework, track) => /** @type {Index} */ (indices.get(`${framework}/${track}`));

  /** @type {Map<string, Part[]>} */
  const parts = new Map();
  for (const [key, population] of Object.entries(data.populations)) {
    parts.set(key, Object.entries(population.samples).map(([code, sample]) => {
      const X = sample.X.map((row) => Float64Array.from(row, (x) => (x === null ? NaN : x)));
      const index = indexOf(population.framework, code);
      return { code, index, ids: sample.ids, names: sample.names, X, groups: Rating.patterns(X) };
    }));
  }

  /** @param {string} set @param {Changes} by @returns {Weights} */
  function localOf(set, by) {
    const own = data.sets[set];
    if (by.weights[set]) return by.weights[set];
    const place = own.years ? own.years.indexOf(by.years[set]) : -1;
    return place >= 0 && own.path ? own.path[place] : own.local;
  }
  /** @param {string} framework @param {Changes} by */
  const ruleOf = (framework, by) => Places.edited(data.frameworks[framework].rule, by.edits[framework] || {});
  /** @param {string} framework @param {Options} given @param {Changes} by @returns {Options} */
  const optionsOf = (framework, given, by) => ({ ...given, ...(by.options[framework] || {}) });

  /** Rate the enterprises of a rating under given changes, or under given weights.
   * @param {string} key @param {Changes} by @param {Weights} [weights] @returns {Rated} */
  function rate(key, by, weights) {
    const { set, population } = data.ratings[key];
    const { framework, options: given } = data.populations[population];
    const local = weights || localOf(set, by);
    const rule = ruleOf(framework, by);
    const options = optionsOf(framework, given, by);
    const own = /** @type {Part[]} */ (parts.get(population));
    return {
      key, rule, options, local, framework: data.frameworks[framework],
      parts: own.map((part) => ({
        part,
        rating: Rating.rate(part.index, part.X, local[part.code],
          Limits.effective(rule, options, part.index), part.groups),
      })),
    };
  }

  /** @type {Map<string, Rated>} */
  const executed = new Map();
  /** @type {Map<string, {by: string, rated: Rated}>} */
  const current = new Map();
  /** The rating as the run made it. @param {string} key */
  function before(key) {
    const found = executed.get(key) || rate(key, asExecuted());
    executed.set(key, found);
    return found;
  }
  /** The rating under what the reader has changed. @param {string} key */
  function now(key) {
    if (!changed(key)) return before(key);
    const by = JSON.stringify(changes);
    const found = current.get(key);
    if (found && found.by === by) return found.rated;
    const rated = rate(key, changes);
    current.set(key, { by, rated });
    return rated;
  }

  /** Whether a rating can differ from the executed one. @param {string} key */
  function changed(key) {
    const { set, population } = data.ratings[key];
    const { framework } = data.populations[population];
    return set in changes.weights || set in changes.years || ruled(framework);
  }
  /** Whether the rule of a framework is changed. @param {string} framework */
  const ruled = (framework) => framework in changes.options || framework in changes.edits;
  const any = () => Object.values(changes).some((part) => Object.keys(part).length);

  // ---- changes -----------------------------------------------------------------------------------
  /** Set local weights of a set by track; as executed again where nothing differs.
   * @param {string} set @param {Weights} local */
  function setWeights(set, local) {
    const was = localOf(set, { ...changes, weights: {} });
    const same = Object.keys(local).every((t) => local[t].every((w, i) => Math.abs(w - was[t][i]) < 1e-12));
    if (same) delete changes.weights[set]; else changes.weights[set] = local;
  }
  /** @param {string} set @param {number} year */
  function setYear(set, year) {
    const years = data.sets[set].years || [];
    delete changes.weights[set];
    if (year === years[years.length - 1]) delete changes.years[set]; else changes.years[set] = year;
  }
  /** @param {string} framework @param {string} key @param {string} value */
  function setOption(framework, key, value) {
    const given = given_(framework);
    const own = { ...(changes.options[framework] || {}) };
    if (value === given[key]) delete own[key]; else own[key] = value;
    if (Object.keys(own).length) changes.options[framework] = own; else delete changes.options[framework];
  }
  /** @param {string} framework @param {string} path @param {number} value */
  function setNumber(framework, path, value) {
    const own = { ...(changes.edits[framework] || {}) };
    if (value === Places.at(data.frameworks[framework].rule, path)) delete own[path]; else own[path] = value;
    if (Object.keys(own).length) changes.edits[framework] = own; else delete changes.edits[framework];
  }
  /** The options under which the enterprises of a framework were rated.
   * @param {string} framework @returns {Options} */
  const given_ = (framework) => (Object.values(data.populations).find((p) => p.framework === framework)
    || { options: {} }).options;
  function reset() { changes = asExecuted(); }

  /** Compare ratings with what the run found; return the keys of those that differ. */
  function check() {
    /** @type {string[]} */
    const wrong = [];
    let worst = 0;
    for (const [key, { set, check: found }] of Object.entries(data.ratings)) {
      const { path } = data.sets[set];
      found.forEach((by, y) => {
        const rated = found.length > 1 && path ? rate(key, asExecuted(), path[y]) : before(key);
        for (const { part, rating } of rated.parts) {
          const { counts, total } = by[part.code];
          const own = LiveFrames.countsOf(rating, counts.length);
          let sum = 0;
          rating.total.forEach((x, e) => { if (rating.star[e] >= 0) sum += x; });
          const gap = total === undefined ? 0 : Math.abs(sum - total) / Math.max(rating.n, 1);
          worst = Math.max(worst, gap);
          if (own.join() !== counts.join() || !(gap <= 1e-9)) wrong.push(key);
        }
      });
    }
    return { wrong: [...new Set(wrong)], worst };
  }

  return {
    indexOf, localOf: (/** @type {string} */ set) => localOf(set, changes),
    optionsOf: (/** @type {string} */ framework) => optionsOf(framework, given_(framework), changes),
    yearOf: (/** @type {string} */ set) => changes.years[set] ?? (data.sets[set].years || []).slice(-1)[0],
    rateAt: (/** @type {string} */ key, /** @type {Weights} */ weights) => rate(key, changes, weights),
    changes: () => changes, before, now, changed, ruled, any, setWeights, setYear, setOption, setNumber,
    reset, check, given: given_,
  };
})();
