"use strict";
/**
 * Effective thresholds of a rule under given options: calib.framework.rule in the page.
 * Every comparison with them is strict; rounding, edges and the tolerance are inside them.
 *
 * @typedef {{tracks: string[], years: string[]}} Scope
 * @typedef {{node: string, kind: string, value: number, parts: When[]}} When
 * @typedef {Scope & {top: number, when: When, name: Words | null}} Cap
 * @typedef {Scope & {node: string, level: string, values: number[], inclusive: boolean[]}} NodeGate
 * @typedef {{nodes: string[], points: number, step: number, towards: string}} Compensation
 * @typedef {{items: number, nodes: [string[], number][]}} Coverage
 * @typedef {{low: number, high: number, first: number, labels: Words[], bands: number[],
 *   gates: Record<string, {values: number[], inclusive: boolean[]}>, levels: string[],
 *   tolerance: number, lowerEdges: boolean, rounding: {rule: string, places: number} | null,
 *   years: string[], variants: (Scope & {bands: number[]})[], nodeGates: NodeGate[], caps: Cap[],
 *   coverage: Coverage | null, compensation: Compensation | null,
 *   clusters: {strict: number | null} | null}} Rule  As a framework's file states it.
 * @typedef {{band: number[], nodes: number[], gates: number[][], required: number[],
 *   oneStar: boolean, caps: Cap[], compensation: Compensation | null, hasBands: boolean}} Thresholds
 *   Of one track: ``gates`` by gated node, -Infinity where it has none; ``required`` are the nodes
 *   that must have a score, all gated ones but those that only caps look at.
 */
const Limits = (() => {
  /** @param {Scope} scope @param {string} track @param {string} year */
  function holds(scope, track, year) {
    return (!scope.tracks.length || scope.tracks.includes(track))
      && (!scope.years.length || scope.years.includes(year));
  }

  /** The total above which a rounded total passes an edge.
   * @param {Rule} rule @param {number} edge */
  function rounded(rule, edge) {
    const how = /** @type {{rule: string, places: number}} */ (rule.rounding);
    const unit = 10 ** -how.places;
    const steps = edge / unit;
    const nearest = Math.round(steps);
    const whole = Math.abs(steps - nearest) <= rule.tolerance / unit;
    const passes = rule.lowerEdges ? nearest : nearest + 1;
    const n = whole ? passes : Math.floor(steps) + 1;
    const point = how.rule === "floor" ? n * unit
      : how.rule === "ceiling" ? (n - 1) * unit : (n - 0.5) * unit;
    const even = how.rule === "half-even" && n % 2 === 0;
    const reaches = how.rule === "half-up" || how.rule === "floor" || even;
    return reaches ? point - rule.tolerance : point + rule.tolerance;
  }

  /** Printed bands of a track in a year; empty where only gates give stars.
   * @param {Rule} rule @param {string} track @param {string} year */
  function bandsOf(rule, track, year) {
    let out = rule.bands;
    for (const v of rule.variants) if (holds(v, track, year)) out = v.bands;
    return out;
  }

  /** @param {Rule} rule */
  const passedByAll = (rule) => 2 * rule.low - rule.high - 1;

  /** @param {Rule} rule @param {Options} options @param {string} track */
  function bandEdges(rule, options, track) {
    const bands = bandsOf(rule, track, options.year || "");
    const t = rule.tolerance;
    if (!bands.length) return new Array(rule.labels.length - 1).fill(passedByAll(rule));
    if (rule.rounding) return bands.map((b) => rounded(rule, b));
    if (options.band_edge === "round-half-up") return bands.map((b) => Math.floor(b) + 0.5 - t);
    return bands.map((b) => (rule.lowerEdges ? b - t : b + t));
  }

  /** @param {Rule} rule @param {number[]} values @param {boolean[]} inclusive */
  function strict(rule, values, inclusive) {
    return values.map((v, k) => (inclusive[k] ? v - rule.tolerance : v + rule.tolerance));
  }

  /** Whether a condition only holds where single nodes score too low: then it is a gate.
   * @param {When} when @returns {boolean} */
  function failsLow(when) {
    if (when.node) return when.kind === "below" || when.kind === "at_most";
    return when.kind === "any" && when.parts.every(failsLow);
  }

  /** @param {Rule} rule @param {When} when @param {number} top @returns {[string, number[]][]} */
  function asGates(rule, when, top) {
    if (!when.node) return when.parts.flatMap((p) => asGates(rule, p, top));
    const edge = when.kind === "below" ? when.value - rule.tolerance : when.value + rule.tolerance;
    const steps = rule.labels.slice(1);
    return [[when.node, steps.map((_, k) => (k >= top ? edge : passedByAll(rule)))]];
  }

  /** Reduce a rule to the thresholds of one track.
   * @param {Rule} rule @param {Options} options @param {Index} index @returns {Thresholds} */
  function effective(rule, options, index) {
    const year = options.year || "";
    const table = rule.gates[options.gate_value];
    const level = table ? strict(rule, table.values, table.inclusive)
      : rule.labels.slice(1).map(() => -Infinity);
    const place = rule.levels.indexOf(options.gate_scope);
    /** @type {Map<number, number[]>} */
    const rows = new Map();
    for (const i of Tree.atDepth(index, place < 0 ? 1 : place + 1)) rows.set(i, level);
    /** @param {number} i @param {number[]} edges */
    const add = (i, edges) => {
      const old = rows.get(i);
      rows.set(i, old ? old.map((e, k) => Math.max(e, edges[k])) : edges);
    };
    const here = rule.nodeGates.filter((g) => holds(g, index.code, year));
    /** @type {[string, number[]][]} */
    const named = here.map((g) => [g.node || `@${rule.levels.indexOf(g.level) + 1}`,
      strict(rule, g.values, g.inclusive)]);
    const stated = new Set(named.map(([w]) => w));
    const required = new Set([...rows.keys()].filter(() => level.some(Number.isFinite)));
    const caps = rule.caps.filter((c) => holds(c, index.code, year));
    for (const cap of caps) if (failsLow(cap.when)) named.push(...asGates(rule, cap.when, cap.top));
    // Gates of one node are joined in the order in which nodes are first named.
    for (const where of new Set(named.map(([w]) => w))) {
      const own = named.filter(([w]) => w === where).map(([, e]) => e);
      const edges = own[0].map((_, k) => Math.max(...own.map((e) => e[k])));
      const nodes = where.startsWith("@") ? Tree.atDepth(index, Number(where.slice(1)))
        : index.at.has(where) ? [/** @type {number} */ (index.at.get(where))] : [];
      for (const i of nodes) {
        add(i, edges);
        if (stated.has(where) && edges.some(Number.isFinite)) required.add(i);
      }
    }
    return {
      band: bandEdges(rule, options, index.code), nodes: [...rows.keys()], gates: [...rows.values()],
      required: [...required], oneStar: options.downgrade === "one-star", caps: caps.filter((c) => !failsLow(c.when)),
      compensation: rule.compensation, hasBands: bandsOf(rule, index.code, year).length > 0,
    };
  }

  /** Yield the codes of the nodes that a condition looks at.
   * @param {When} when @returns {string[]} */
  function nodesOf(when) {
    return (when.node ? [when.node] : []).concat(...when.parts.map(nodesOf));
  }

  return { effective, bandsOf, nodesOf, failsLow };
})();
