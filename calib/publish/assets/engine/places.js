"use strict";
/**
 * The numbers of a rule that a reader may change, by their place in it, such as ``bands.2``.
 *
 * @typedef {Record<string, number>} Edits  Changed numbers by their place.
 * @typedef {{path: string, kind: "band" | "gate" | "nodeGate" | "cap", step: number,
 *   tracks: string[], node: string, level: string, when: string}} Place  ``step`` is the star that
 *   a band or gate leads to, or the highest that a cap allows; ``when`` the kind of a condition.
 */
const Places = (() => {
  /** The rule with changed numbers; the rule itself where nothing is changed.
   * @param {Rule} rule @param {Edits} edits @returns {Rule} */
  function edited(rule, edits) {
    if (!Object.keys(edits).length) return rule;
    const out = JSON.parse(JSON.stringify(rule));
    for (const [path, value] of Object.entries(edits)) {
      const keys = path.split(".");
      const last = /** @type {string} */ (keys.pop());
      let at = out;
      for (const key of keys) at = at ? at[key] : undefined;
      if (at && last in at) at[last] = value;
    }
    return out;
  }

  /** @param {Rule} rule @param {string} path @returns {any} */
  function at(rule, path) {
    /** @type {any} */
    let found = rule;
    for (const key of path.split(".")) found = found === undefined ? undefined : found[key];
    return found;
  }

  /** The numbers in force under given options.
   * @param {Rule} rule @param {Options} options @param {string[]} tracks @returns {Place[]} */
  function inForce(rule, options, tracks) {
    /** @type {Place[]} */
    const out = [];
    /** @param {string} path @param {Place["kind"]} kind @param {number} step
     * @param {Partial<Place>} more */
    const add = (path, kind, step, more = {}) => {
      out.push({ path, kind, step, tracks: [], node: "", level: "", when: "", ...more });
    };
    /** @param {Scope} s */
    const holds = (s) => !s.years.length || s.years.includes(options.year || "");
    const everywhere = tracks.every((t) => rule.variants.some((v) => holds(v)
      && (!v.tracks.length || v.tracks.includes(t))));
    if (!everywhere) rule.bands.forEach((_, k) => add(`bands.${k}`, "band", k + 1));
    rule.variants.forEach((v, i) => {
      if (holds(v)) v.bands.forEach((_, k) => add(`variants.${i}.bands.${k}`, "band", k + 1, { tracks: v.tracks }));
    });
    const table = options.gate_value;
    if (rule.gates[table]) rule.gates[table].values.forEach((_, k) => add(`gates.${table}.values.${k}`, "gate", k + 1));
    rule.nodeGates.forEach((g, i) => {
      if (!holds(g)) return;
      g.values.forEach((_, k) => add(`nodeGates.${i}.values.${k}`, "nodeGate", k + 1, { node: g.node, level: g.level }));
    });
    /** @param {When} when @param {string} path @param {number} top */
    const conditions = (when, path, top) => {
      if (when.node) add(`${path}.value`, "cap", top, { node: when.node, when: when.kind });
      when.parts.forEach((p, i) => conditions(p, `${path}.parts.${i}`, top));
    };
    rule.caps.forEach((c, i) => { if (holds(c)) conditions(c.when, `caps.${i}.when`, c.top); });
    return out;
  }

  /** Whether bands still rise strictly, and gates do not fall, with one number changed.
   * @param {Rule} rule @param {Edits} edits @param {string} path @param {number} value */
  function rises(rule, edits, path, value) {
    const found = /^(.*(?:bands|values))\.(\d+)$/.exec(path);
    if (!found) return true;
    const own = Number(found[2]);
    /** @type {number[]} */
    const list = at(rule, found[1]).map((/** @type {number} */ v, /** @type {number} */ j) => (
      j === own ? value : edits[`${found[1]}.${j}`] ?? v));
    const strict = found[1].endsWith("bands");
    return list.every((v, j) => j === 0 || (strict ? v > list[j - 1] : v >= list[j - 1]));
  }

  return { edited, at, inForce, rises };
})();
