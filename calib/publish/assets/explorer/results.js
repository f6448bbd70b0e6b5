"use strict";
// What the weights do: the glance, the tables, the list of enterprises.
const Results = (() => {
  const { $, make, put, grid } = Dom;
  const M = Model;
  const PAGE = 100;
  const signed = (x) => (x > 0 ? `+${x}` : String(x).replace("-", "−"));

  function selected() {
    return M.tracks.map((_, k) => k).filter((k) => !M.state.track || M.tracks[k].code === M.state.track);
  }
  const K = () => M.data.rule.labels.length;
  const isLower = (r, e) => r.star[e] >= 0 && r.star[e] < r.band[e];

  // Codes of the nodes whose gates an enterprise fails, and of the caps that hold.
  function tally() {
    const size = K();
    const matrix = Array.from({ length: size }, () => new Array(size).fill(0));
    const sum = { n: 0, up: 0, down: 0, downgraded: 0, before: 0, unrated: 0, matrix, gates: new Map() };
    for (const k of selected()) {
      const now = M.ratings()[k];
      const was = M.baseline()[k];
      for (let e = 0; e < now.n; e += 1) {
        if (now.star[e] < 0 || was.star[e] < 0) { sum.unrated += 1; continue; }
        matrix[was.star[e]][now.star[e]] += 1;
        sum.n += 1;
        if (now.star[e] > was.star[e]) sum.up += 1;
        if (now.star[e] < was.star[e]) sum.down += 1;
        if (isLower(was, e)) sum.before += 1;
        if (!isLower(now, e)) continue;
        sum.downgraded += 1;
        const { gates, caps } = Rating.causes(now, e);
        const said = [...gates.map((i) => [M.tracks[k].codes[i], M.tracks[k].names[i]]),
          ...caps.map((c) => [`cap ${JSON.stringify(c.when)}`, capName(c)])];
        for (const [key, label] of said) {
          const entry = sum.gates.get(key) || { label, count: 0 };
          entry.count += 1;
          sum.gates.set(key, entry);
        }
      }
    }
    return sum;
  }
  function capName(cap) {
    if (cap.name) return cap.name;
    const nodes = Limits.nodesOf(cap.when).map(RuleBox.nodeName);
    return { zh: nodes.map((n) => n.zh).join("、"), en: nodes.map((n) => n.en).join(", ") };
  }

  const rowSum = (m, k) => m[k].reduce((a, b) => a + b, 0);
  const colSum = (m, k) => m.reduce((a, row) => a + row[k], 0);

  function drawGlance(sum) {
    const said = [];
    const box = $("stack");
    while (box.children.length < K()) box.append(make("span"));
    for (let k = 0; k < K(); k += 1) {
      const count = colSum(sum.matrix, k);
      const part = box.children[k];
      part.style.flexGrow = String(count);
      part.style.background = M.data.colours[k];
      part.style.color = M.data.inks[k];
      part.style.display = count ? "block" : "none";
      put(part, count / sum.n > 0.04 ? String(count) : "");
      said.push(`${M.stars(k)}: ${count}`);
    }
    box.setAttribute("aria-label", said.join(", "));
    const same = sum.n - sum.up - sum.down;
    put($("moved"), M.fill("moved", { up: sum.up, down: sum.down, same })
      + (sum.unrated ? M.fill("moved_unrated", { n: sum.unrated }) : ""));
  }

  function drawDistribution(sum) {
    const share = (count) => (sum.n ? (100 * count / sum.n).toFixed(1) : "0.0");
    /** @type {Cell[][]} */
    const rows = [];
    for (let k = 0; k < K(); k += 1) {
      const was = rowSum(sum.matrix, k);
      const now = colSum(sum.matrix, k);
      const change = now - was;
      rows.push([[M.stars(k)], [String(was)], [String(now)], [share(now)],
        [signed(change), change > 0 ? "up" : change < 0 ? "down" : "muted"]]);
    }
    rows.push([[M.words("downgraded")], [String(sum.before)], [String(sum.downgraded)],
      [share(sum.downgraded)], [signed(sum.downgraded - sum.before), ""]]);
    /** @type {Cell[]} */
    const head = ["star", "before", "now", "share", "change"].map((key) => [M.words(key)]);
    grid($("distribution"), head, rows);
    put($("distribution").caption, M.fill("distribution", { n: sum.n }));
  }

  /** @param {number[][]} matrix @returns {Cell[][]} */
  function matrixRows(matrix) {
    return matrix.map((row, r) => [[M.stars(r)], ...row.map((count, c) => {
      const kind = count === 0 && r !== c ? "zero" : r === c ? "same" : c > r ? "up" : "down";
      return /** @type {Cell} */ ([count || r === c ? String(count) : "·", kind]);
    })]);
  }
  /** @returns {Cell[]} */
  const starHeads = () => Array.from({ length: K() }, (_, k) => [M.stars(k)]);
  function drawMatrix(sum) {
    grid($("matrix"), [[M.words("from_to")], ...starHeads()], matrixRows(sum.matrix));
    put($("matrix").caption, M.fill("transitions", { base: M.name(M.base.label) }));
  }

  function drawGates(sum) {
    const box = $("gates");
    const entries = [...sum.gates.values()].sort((a, b) => b.count - a.count);
    const lines = entries.length
      ? entries.map((g) => M.fill("gate_count", { node: M.name(g.label), count: g.count }))
      : [M.words("no_gates")];
    while (box.children.length > lines.length) box.lastElementChild.remove();
    while (box.children.length < lines.length) box.append(make("li"));
    lines.forEach((line, i) => put(box.children[i], line));
  }

  function reason(k, e) {
    const now = M.ratings()[k];
    if (now.star[e] < 0) return M.words("unrated");
    if (!isLower(now, e)) return "";
    const t = now.thresholds;
    const { gates, caps } = Rating.causes(now, e);
    return [...gates.map((g) => M.fill("gate_reason", {
      node: M.name(M.tracks[k].names[g]), score: now.scores[e * M.indices[k].m + g].toFixed(1),
      gate: tidy(t.gates[t.nodes.indexOf(g)][now.band[e] - 1]), star: M.stars(now.band[e]),
    })), ...caps.map((c) => M.fill("cap_reason", { node: M.name(capName(c)), star: M.stars(c.top) }))].join(M.words("comma"));
  }
  const tidy = (x) => String(Math.round(x * 1e6) / 1e6);

  function listed() {
    const wanted = M.state.find.trim().toLowerCase();
    const { show } = M.state;
    const out = [];
    for (const k of selected()) {
      const now = M.ratings()[k];
      const was = M.baseline()[k];
      const { ids, labels } = M.samples[k];
      for (let e = 0; e < now.n; e += 1) {
        const step = now.star[e] < 0 || was.star[e] < 0 ? 0 : now.star[e] - was.star[e];
        const fits = show === "all" || (show === "moved" && step !== 0) || (show === "up" && step > 0)
          || (show === "down" && step < 0) || (show === "downgraded" && isLower(now, e));
        if (!fits) continue;
        if (wanted && !`${ids[e]} ${labels[e]}`.toLowerCase().includes(wanted)) continue;
        out.push([k, e]);
      }
    }
    return out;
  }
  const called = (k, e) => {
    const { ids, labels } = M.samples[k];
    return labels[e] === ids[e] ? ids[e] : `${labels[e]} (${ids[e]})`;
  };

  function drawList() {
    const all = listed();
    const last = Math.max(0, Math.ceil(all.length / PAGE) - 1);
    M.state.page = Math.min(M.state.page, last);
    const from = M.state.page * PAGE;
    const shown = all.slice(from, from + PAGE);
    put($("range"), all.length
      ? M.fill("range", { from: from + 1, to: from + shown.length, n: all.length }) : M.words("none"));
    $("earlier").disabled = M.state.page === 0;
    $("later").disabled = M.state.page === last;
    const sure = Evidence.found();
    const keys = ["enterprise", "track", "total", "before", "now", ...(sure ? ["sure"] : []), "why"];
    /** @type {Cell[]} */
    const head = keys.map((key) => [M.words(key), ["enterprise", "track", "why"].includes(key) ? "text" : ""]);
    /** @type {Cell[][]} */
    const rows = shown.map(([k, e]) => {
      const now = M.ratings()[k];
      const was = M.baseline()[k];
      const rated = now.star[e] >= 0 && was.star[e] >= 0;
      const step = rated ? now.star[e] - was.star[e] : 0;
      const arrow = step > 0 ? " ▲" : step < 0 ? " ▼" : "";
      return [[called(k, e), "name", () => Detail.open(k, e)], [M.name(M.tracks[k].name), "text"],
        [now.star[e] < 0 ? "–" : now.total[e].toFixed(2)], [M.stars(was.star[e])],
        [M.stars(now.star[e]) + arrow, step > 0 ? "up" : step < 0 ? "down" : ""],
        ...(sure ? [/** @type {Cell} */ ([now.star[e] < 0 ? "–" : `${Math.round(100 * Evidence.share(k, e, now.star[e]))} %`])] : []),
        [reason(k, e), "text why"]];
    });
    grid($("enterprises"), head, rows);
  }

  function draw() {
    const sum = tally();
    drawGlance(sum);
    drawDistribution(sum);
    drawMatrix(sum);
    drawGates(sum);
    drawList();
  }
  return { draw, drawList, matrixRows, starHeads, selected, called, tidy, capName };
})();
