"use strict";
// The rating rule, as in calib.rating: weighted means up the tree, strict comparisons with the
// effective thresholds that the page's data holds (tolerance and rounding are inside them).
const Rule = (() => {
  // Indices that do not change with the weights.
  function prepare(track) {
    const m = track.parent.length;
    const members = new Map([[-1, []]]);
    for (let i = 0; i < m; i += 1) members.set(i, []);
    track.parent.forEach((p, i) => members.get(p).push(i));
    const families = [[-1, members.get(-1)]];
    for (let i = 0; i < m; i += 1) if (members.get(i).length) families.push([i, members.get(i)]);
    const leaves = [];
    for (let i = 0; i < m; i += 1) if (!members.get(i).length) leaves.push(i);
    return { m, families, leaves, patterns: patterns(track) };
  }

  // Enterprises grouped by which items they answered.
  function patterns(track) {
    const groups = new Map();
    track.X.forEach((row, n) => {
      const key = row.map((x) => (x === null ? "0" : "1")).join("");
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(n);
    });
    return [...groups].map(([key, rows]) => ({ rows, answered: key, complete: !key.includes("0") }));
  }

  // Which nodes have a score: answered leaves, and nodes with a scored child of weight above 0.
  function scored(index, local, answered) {
    const known = new Array(index.m).fill(false);
    index.leaves.forEach((leaf, l) => { known[leaf] = answered[l] === "1"; });
    for (let f = index.families.length - 1; f >= 0; f -= 1) {
      const [parent, own] = index.families[f];
      if (parent >= 0) known[parent] = own.some((i) => known[i] && local[i] > 0);
    }
    return known;
  }

  // Local weights renormalised among scored siblings; a family without any gets 0.
  function effective(families, local, known) {
    const out = local.map((w, i) => (known[i] ? w : 0));
    for (const [, own] of families) {
      let sum = 0;
      for (const i of own) sum += out[i];
      for (const i of own) out[i] = sum > 0 ? out[i] / sum : 0;
    }
    return out;
  }

  // How many of the rising edges the score is strictly above; null is minus infinity.
  function above(score, edges) {
    let k = 0;
    while (k < edges.length && (edges[k] === null || score > edges[k])) k += 1;
    return k;
  }

  // Rate all enterprises of a track under local weights (m). Stars count from 0; -1 where no
  // answer counts in the total or under a node with a gate.
  function rate(track, index, local, rule) {
    const n = track.X.length;
    const out = {
      total: new Float64Array(n), star: new Int8Array(n), band: new Int8Array(n),
      failed: new Array(n), scores: new Array(n),
    };
    const gates = rule.gate.some((g) => g !== null);
    for (const { rows, answered, complete } of index.patterns) {
      const known = complete ? null : scored(index, local, answered);
      const own = complete ? local : effective(index.families, local, known);
      const top = index.families[0][1];
      const rated = complete || (top.some((i) => known[i] && local[i] > 0)
        && (!gates || track.gated.every((g) => known[g])));
      for (const e of rows) {
        rateOne(track, index, own, known, rule, e, out);
        if (!rated) unrate(e, out);
      }
    }
    return out;
  }

  function rateOne(track, index, own, known, rule, e, out) {
    const s = new Float64Array(index.m);
    const row = track.X[e];
    index.leaves.forEach((leaf, l) => { s[leaf] = row[l] === null ? 0 : row[l]; });
    let total = 0;
    for (let f = index.families.length - 1; f >= 0; f -= 1) {
      const [parent, members] = index.families[f];
      let sum = 0;
      for (const i of members) sum += s[i] * own[i];
      if (parent >= 0) s[parent] = sum; else total = sum;
    }
    const band = above(total, rule.band);
    const failed = [];
    let lowest = band;
    for (const g of track.gated) {
      if (known && !known[g]) continue;
      const reached = above(s[g], rule.gate);
      if (reached < band) failed.push(g);
      if (reached < lowest) lowest = reached;
    }
    out.total[e] = total;
    out.band[e] = band;
    out.star[e] = rule.oneStar ? band - (failed.length ? 1 : 0) : lowest;
    out.failed[e] = failed;
    out.scores[e] = s;
  }

  function unrate(e, out) {
    out.total[e] = NaN;
    out.star[e] = -1;
    out.band[e] = -1;
    out.failed[e] = [];
  }

  // Set one weight of a family; its siblings share the rest in proportion (equally if all are 0).
  function move(local, members, at, value) {
    const out = local.slice();
    const rest = members.filter((i) => i !== at);
    if (!rest.length) return out;
    out[at] = value;
    const sum = rest.reduce((a, i) => a + local[i], 0);
    for (const i of rest) out[i] = sum > 0 ? local[i] * ((1 - value) / sum) : (1 - value) / rest.length;
    return out;
  }

  return { prepare, rate, move, above };
})();
