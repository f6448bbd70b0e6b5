"use strict";
// What the page knows and what the reader has chosen; the figures that follow from it.
const Model = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tracks = data.tracks;
  const indices = tracks.map(Tree.prepare);
  const presets = new Map(data.presets.map((p) => [p.name, p]));
  const numbers = (X) => X.map((row) => Float64Array.from(row, (x) => (x === null ? NaN : x)));
  const samples = tracks.map((t) => ({ ids: t.ids, labels: t.labels, X: numbers(t.X) }));
  const groups = samples.map((s) => Rating.patterns(s.X));
  const base = presets.get(data.baseline);
  const copy = (local) => Object.fromEntries(Object.entries(local).map(([t, w]) => [t, w.slice()]));

  // ``chosen`` is all that undo, the address and a file of the state keep.
  const fresh = () => ({
    preset: data.baseline, weights: copy(base.local), options: { ...data.options }, edits: {},
    locked: [], ranges: {}, cap: null, path: "", year: 0, pins: {},
  });
  const state = { chosen: fresh(), language: data.language, track: "", show: "all", find: "", page: 0, open: null };
  const past = [];
  const future = [];
  let saved = JSON.stringify(state.chosen);
  let ratings = [];
  let baseline = [];
  let rule = data.rule;

  const words = (key) => data.texts[key][state.language];
  const fill = (key, values) => words(key).replace(/\{(\w+)\}/g, (_, k) => values[k]);
  const name = (both) => both[state.language] || both.zh || both.en;
  const stars = (k) => (k < 0 ? "–" : name(data.rule.labels[k]));

  // ---- the rule as the reader has changed it: numbers by their place in it ----------------------
  const edited = (edits) => Places.edited(data.rule, edits);
  const rateAs = ({ weights, options, edits }) => rate(weights, options, edited(edits));
  function rate(weights, options = state.chosen.options, by = rule) {
    return tracks.map((t, k) => Rating.rate(indices[k], samples[k].X, weights[t.code],
      Limits.effective(by, options, indices[k]), groups[k]));
  }
  function update() {
    rule = edited(state.chosen.edits);
    ratings = rate(state.chosen.weights);
  }
  function updateBaseline() {
    baseline = rate(base.local, data.options, data.rule);
  }

  // ---- history, address ------------------------------------------------------------------------
  function commit() {
    const now = JSON.stringify(state.chosen);
    if (now === saved) return;
    past.push(saved);
    if (past.length > 200) past.shift();
    future.length = 0;
    saved = now;
    address();
  }
  function step(from, to) {
    if (!from.length) return false;
    to.push(saved);
    saved = from.pop();
    state.chosen = JSON.parse(saved);
    address();
    return true;
  }
  // Only what differs from the page as it opens, so that an address stays short.
  function difference(chosen) {
    const out = {};
    const first = fresh();
    for (const [key, value] of Object.entries(chosen)) {
      if (JSON.stringify(value) !== JSON.stringify(first[key]) && key !== "weights") out[key] = value;
    }
    const from = presets.get(chosen.preset) || base;
    const weights = {};
    tracks.forEach((t, k) => {
      for (const { members } of indices[k].families) {
        if (members.some((i) => chosen.weights[t.code][i] !== from.local[t.code][i])) {
          for (const i of members) weights[`${t.code}/${t.codes[i]}`] = chosen.weights[t.code][i];
        }
      }
    });
    if (Object.keys(weights).length) out.weights = weights;
    return out;
  }
  function fromDifference(given) {
    const out = fresh();
    for (const key of Object.keys(out)) if (key in given && key !== "weights") out[key] = given[key];
    if (!presets.has(out.preset)) out.preset = data.baseline;
    out.weights = copy(presets.get(out.preset).local);
    out.options = { ...data.options, ...out.options };
    for (const [key, value] of Object.entries(given.weights || {})) {
      const [t, code] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
      const k = tracks.findIndex((x) => x.code === t);
      const i = k < 0 ? undefined : indices[k].at.get(code);
      if (i === undefined || !(value >= 0 && value <= 1)) throw new Error(key);
      out.weights[t][i] = value;
    }
    tracks.forEach((t, k) => {
      for (const { members } of indices[k].families) {
        const sum = members.reduce((a, i) => a + out.weights[t.code][i], 0);
        if (Math.abs(sum - 1) > 1e-6) throw new Error(t.codes[members[0]]);
      }
    });
    return out;
  }
  const encode = (x) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(x))))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const decode = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0))));
  function address() {
    const own = difference(state.chosen);
    const hash = Object.keys(own).length ? `#s=${encode(own)}` : "#";
    try { history.replaceState(null, "", hash); } catch { /* an address is a convenience */ }
  }
  function readAddress() {
    const found = /^#s=([\w-]+)$/.exec(location.hash);
    if (!found) return;
    try { adopt(fromDifference(decode(found[1]))); } catch { /* an address of another page */ }
  }
  function adopt(chosen) {
    state.chosen = chosen;
    commit();
  }

  // ---- weights ---------------------------------------------------------------------------------
  // Families on the page: the tracks in which one stands, and its members in each.
  function families() {
    const out = [];
    const shared = new Set(data.framework.shared);
    const roots = tracks.map((t, k) => indices[k].families[0].members.map((i) => t.codes[i]));
    const common = tracks.length > 1 && roots.every((r) => r.join("\n") === roots[0].join("\n"))
      && roots[0].every((c) => shared.has(c));
    if (common) out.push({ at: tracks.map((t, k) => [k, indices[k].families[0].members]), parent: -1, track: null });
    tracks.forEach((t, k) => {
      for (const { parent, members } of indices[k].families) {
        if ((parent < 0 && common) || members.length < 2) continue;
        out.push({ at: [[k, members]], parent, track: k });
      }
    });
    return out;
  }
  const keyOf = (family, place) => {
    const [k, members] = family.at[0];
    return `${family.track === null ? "*" : tracks[k].code}/${tracks[k].codes[members[place]]}`;
  };
  function lockedIn(family) {
    const [, members] = family.at[0];
    const held = new Set(state.chosen.locked);
    return members.map((_, place) => held.has(keyOf(family, place)));
  }
  // Where a weight may go: its own range and those of the siblings that make room.
  function stops(family, place) {
    const [k, members] = family.at[0];
    const local = state.chosen.weights[tracks[k].code];
    const held = lockedIn(family);
    const share = Lines.sharing(local, members, members[place], (i) => held[members.indexOf(i)]);
    if (!share) return [local[members[place]], local[members[place]]];
    let [low, high] = [0, share.free];
    members.forEach((i, j) => {
      const range = state.chosen.ranges[keyOf(family, j)];
      if (!range || held[j]) return;
      const [a, b] = range;
      if (j === place) { low = Math.max(low, a); high = Math.min(high, b); return; }
      if (share.slope[j] === 0) return;
      low = Math.max(low, (b - share.fixed[j]) / share.slope[j]);
      high = Math.min(high, (a - share.fixed[j]) / share.slope[j]);
    });
    return low <= high ? [low, high] : [local[members[place]], local[members[place]]];
  }
  // Shares of the mean total that the members of a family have in a track.
  function contributions(k, members, local) {
    const r = ratings[k];
    const { m } = indices[k];
    const g = Tree.globalWeights(indices[k], local);
    const was = Tree.globalWeights(indices[k], state.chosen.weights[tracks[k].code]);
    let total = 0;
    const sums = members.map(() => 0);
    for (let e = 0; e < r.n; e += 1) {
      if (r.star[e] < 0) continue;
      members.forEach((i, j) => { const s = r.scores[e * m + i]; if (!Number.isNaN(s)) sums[j] += s; });
      total += r.total[e];
    }
    // Only this family moves: the total changes by what it adds now and did before.
    members.forEach((i, j) => { total += (g[i] - was[i]) * sums[j]; });
    return members.map((i, j) => (total > 0 ? g[i] * sums[j] / total : 0));
  }
  function set(family, place, wanted) {
    const [low, high] = stops(family, place);
    let value = Math.min(Math.max(wanted, low), high);
    const held = lockedIn(family);
    const moved = (u) => family.at.map(([k, members]) => Tree.move(state.chosen.weights[tracks[k].code],
      members, members[place], u, (i) => held[members.indexOf(i)]));
    const { cap } = state.chosen;
    let stopped = value !== wanted;
    if (cap !== null) {
      const before = family.at.map(([k, members]) => contributions(k, members, state.chosen.weights[tracks[k].code]));
      const fits = (u) => moved(u).every((local, a) => contributions(family.at[a][0], family.at[a][1], local)
        .every((s, j) => s <= Math.max(cap, before[a][j]) + 1e-9));
      if (!fits(value)) {
        let [good, bad] = [state.chosen.weights[tracks[family.at[0][0]].code][family.at[0][1][place]], value];
        for (let i = 0; i < 40; i += 1) {
          const mid = (good + bad) / 2;
          if (fits(mid)) good = mid; else bad = mid;
        }
        value = good;
        stopped = true;
      }
    }
    moved(value).forEach((local, a) => { state.chosen.weights[tracks[family.at[a][0]].code] = local; });
    state.chosen.path = "";
    return stopped;
  }
  function load(local) {
    state.chosen.weights = copy(local);
  }

  // ---- own answers -----------------------------------------------------------------------------
  function replace(own) {
    own.forEach((s, k) => { samples[k] = s; groups[k] = Rating.patterns(s.X); });
    state.open = null;
    updateBaseline();
  }

  // ---- the page checks itself ------------------------------------------------------------------
  function check() {
    let worst = 0;
    const wrong = [];
    for (const set of data.check) {
      const found = rate(presets.get(set.name).local, data.options, data.rule);
      set.tracks.forEach(({ counts, total }, k) => {
        const own = new Array(counts.length).fill(0);
        let sum = 0;
        found[k].star.forEach((s, e) => { if (s >= 0) { own[s] += 1; sum += found[k].total[e]; } });
        const n = found[k].n || 1;
        worst = Math.max(worst, Math.abs(sum - total) / n);
        if (own.join() !== counts.join() || Math.abs(sum - total) / n > 1e-9) wrong.push(set.name);
      });
    }
    return { sets: data.check.length, wrong: [...new Set(wrong)], worst };
  }

  return {
    data, tracks, indices, presets, samples, state, words, fill, name, stars, rate, rateAs, update,
    updateBaseline, commit, families, keyOf, lockedIn, stops, set, load, replace, check, contributions,
    difference, fromDifference, readAddress, adopt, fresh, base, copy,
    undo: () => step(past, future), redo: () => step(future, past),
    canUndo: () => past.length > 0, canRedo: () => future.length > 0,
    ratings: () => ratings, baseline: () => baseline, rule: () => rule, groups,
  };
})();
