"use strict";
// Who carries the total, and how sure each star is under other weights.
const Evidence = (() => {
  const { $, make, put, grid, options } = Dom;
  const M = Model;
  let result = null;
  let busy = false;
  let level = 1;

  // ---- dominance -------------------------------------------------------------------------------
  function drawShares() {
    if (!$("shares-details").open) return;
    const box = $("shares");
    box.replaceChildren();
    for (const k of Results.selected()) {
      const track = M.tracks[k];
      if (!M.ratings()[k].n) continue;
      const found = Measures.shares(M.indices[k], M.state.chosen.weights[track.code], M.ratings()[k], level);
      const table = make("table");
      table.append(make("caption", M.name(track.name)), make("thead"), make("tbody"));
      const percent = (x) => (100 * x).toFixed(1).replace("-", "−");
      grid(table, ["node", "share_percent", "contribution_percent", "variance_percent"].map((key) => [M.words(key)]),
        found.nodes.map((i, j) => [[M.name(track.names[i]), "text"], [percent(found.weight[j])],
          [percent(found.contribution[j])], [percent(found.variance[j])]]));
      const scroll = make("div", undefined, "scroll");
      scroll.append(table);
      box.append(scroll);
    }
  }

  // ---- acceptability ---------------------------------------------------------------------------
  // The families that vary, track by track: all, or those with ranges; locked weights stay.
  function ranges() {
    const how = $("vary").value;
    const within = Number($("within").value) || 0.05;
    const out = M.tracks.map(() => []);
    for (const family of M.families()) {
      const held = M.lockedIn(family);
      for (const [k, members] of family.at) {
        const local = M.state.chosen.weights[M.tracks[k].code];
        const own = members.map((_, j) => M.state.chosen.ranges[M.keyOf(family, j)]);
        if (how === "ranges" && !own.some(Boolean)) continue;
        const low = members.map((i, j) => (held[j] ? local[i] : how === "within" ? Math.max(0, local[i] - within) : own[j] ? own[j][0] : 0));
        const high = members.map((i, j) => (held[j] ? local[i] : how === "within" ? Math.min(1, local[i] + within) : own[j] ? own[j][1] : 1));
        const free = low.every((x, j) => x === 0 && high[j] === 1);
        out[k].push({ members, low, high, kind: free ? "uniform" : "interval" });
      }
    }
    return { ranges: out, shared: M.families()[0].at.length > 1 };
  }
  async function sample() {
    if (busy) return;
    const given = ranges();
    if (given.ranges.every((r) => !r.length)) { put($("sample-said"), M.words("no_ranges")); return; }
    busy = true;
    put($("sample-said"), M.words("sampling"));
    const size = 10000;
    const begun = JSON.stringify([M.state.chosen.weights, M.state.chosen.options, M.state.chosen.edits]);
    const begin = performance.now();
    const { result: found, time } = await Workshop.ask({
      kind: "sample", rule: M.rule(), options: M.state.chosen.options,
      local: M.tracks.map((t) => M.state.chosen.weights[t.code]), ranges: given, size, seed: 1,
    });
    busy = false;
    if (!found.counts) { put($("sample-said"), M.words("sample_empty")); return; }
    result = { counts: found.counts, size, begun, time, whole: performance.now() - begin };
    draw();
    Results.drawList();
  }
  const share = (k, e, star) => {
    const K = M.data.rule.labels.length;
    let rated = 0;
    for (let s = 0; s < K; s += 1) rated += result.counts[k][e * K + s];
    return rated ? result.counts[k][e * K + star] / rated : 0;
  };
  function found() {
    return result !== null && result.begun === JSON.stringify([M.state.chosen.weights, M.state.chosen.options, M.state.chosen.edits]);
  }
  function draw() {
    const fits = found();
    $("expected").parentElement.hidden = !result;
    if (!result) { put($("sample-said"), ""); return; }
    if (!fits) { put($("sample-said"), M.words("sample_stale")); return; }
    const K = M.data.rule.labels.length;
    const now = new Array(K).fill(0);
    const expected = new Array(K).fill(0);
    let unsure = 0;
    for (const k of Results.selected()) {
      const r = M.ratings()[k];
      for (let e = 0; e < r.n; e += 1) {
        if (r.star[e] < 0) continue;
        now[r.star[e]] += 1;
        for (let s = 0; s < K; s += 1) expected[s] += share(k, e, s);
        if (share(k, e, r.star[e]) < 0.5) unsure += 1;
      }
    }
    grid($("expected"), ["star", "now", "expected"].map((key) => [M.words(key)]),
      now.map((n, s) => [[M.stars(s)], [String(n)], [expected[s].toFixed(1)]]));
    put($("expected").caption, M.fill("sampled", { n: result.size.toLocaleString("en") }));
    put($("sample-said"), M.fill("unsure", { n: unsure }));
  }
  function forget() { result = null; }

  function build() {
    const levels = M.data.framework.levels;
    options($("level"), levels.map((name, d) => [String(d + 1), M.name(name)]), String(level));
    const chosen = $("vary").value || "all";
    options($("vary"), ["all", "within", "ranges"].map((v) => [v, M.words(`vary_${v}`)]), chosen);
  }
  function listen() {
    $("level").addEventListener("change", (e) => { level = Number(e.target.value); drawShares(); });
    $("shares-details").addEventListener("toggle", drawShares);
    $("sample").addEventListener("click", sample);
    $("vary").addEventListener("change", () => { $("within").parentElement.hidden = $("vary").value !== "within"; });
  }
  return { build, listen, draw, drawShares, found, share, forget, sample, last: () => result };
})();
