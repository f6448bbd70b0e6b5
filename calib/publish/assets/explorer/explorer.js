"use strict";
// The explorer page: state, and drawing it. Text from the data only ever goes into textContent.
(() => {
  const started = performance.now();
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const PAGE = 100;
  const tracks = data.tracks;
  const indices = tracks.map((t) => Rule.prepare(t));
  const presets = new Map(data.presets.map((p) => [p.name, p]));
  const base = presets.get(data.baseline);
  const state = {
    language: data.language, preset: data.baseline, track: "", show: "all", find: "", page: 0,
    weights: copy(base.local),
  };
  const baseline = tracks.map((t, i) => Rule.rate(t, indices[i], base.local[t.code], data.rule));
  const timings = { first: 0, redraw: 0 };
  let ratings = [];
  let sliders = [];
  let scheduled = false;
  const opened = new Set();

  function copy(local) {
    return Object.fromEntries(Object.entries(local).map(([t, w]) => [t, w.slice()]));
  }
  const words = (key) => data.texts[key][state.language];
  const fill = (key, values) => words(key).replace(/\{(\w+)\}/g, (_, k) => values[k]);
  const name = (both) => both[state.language] || both.zh || both.en;
  const stars = (k) => (k < 0 ? "–" : name(data.rule.labels[k]));

  function make(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  }
  // Write only what changed: 500 rows stay within one frame.
  function put(node, text, className) {
    if (node.textContent !== text) node.textContent = text;
    if (className !== undefined && node.className !== className) node.className = className;
  }

  // ---- weights ------------------------------------------------------------------------------
  // A family on the page: the tracks in which it stands, and its members in each.
  function families() {
    const out = [];
    const shared = new Set(data.framework.shared);
    const roots = tracks.map((t, k) => indices[k].families[0][1].map((i) => t.codes[i]));
    const common = tracks.length > 1 && roots.every((r) => r.join("\n") === roots[0].join("\n"))
      && roots[0].every((c) => shared.has(c));
    if (common) {
      out.push({ at: tracks.map((t, k) => [k, indices[k].families[0][1]]), parent: -1, track: null });
    }
    const deepest = Math.max(...tracks.map((t) => Math.max(...t.depth)));
    tracks.forEach((t, k) => {
      for (const [parent, members] of indices[k].families) {
        if (parent < 0 && common) continue;
        if (members.length < 2) continue;
        if (deepest > 1 && t.depth[members[0]] === deepest) continue;
        out.push({ at: [[k, members]], parent, track: k });
      }
    });
    return out;
  }

  function buildSliders() {
    const box = $("sliders");
    box.replaceChildren();
    sliders = [];
    const folds = new Map();
    for (const family of families()) {
      let into = box;
      if (family.parent >= 0) {
        // Lower levels are folded away: the page opens with the few weights that matter most.
        if (!folds.has(family.track)) folds.set(family.track, fold(family.track, box));
        into = folds.get(family.track);
      }
      const [k, members] = family.at[0];
      const title = family.parent < 0 ? name(data.framework.top) : name(tracks[k].names[family.parent]);
      const set = make("fieldset");
      set.append(make("legend", title));
      members.forEach((i, place) => set.append(buildSlider(family, k, i, place, title)));
      into.append(set);
    }
  }

  function fold(k, box) {
    const key = tracks[k].code;
    const details = make("details", undefined, "fold");
    details.open = opened.has(key);
    details.append(make("summary", tracks.length > 1
      ? fill("lower_of", { track: name(tracks[k].name) }) : words("lower")));
    details.addEventListener("toggle", () => { if (details.open) opened.add(key); else opened.delete(key); });
    box.append(details);
    return details;
  }

  function buildSlider(family, k, i, place, group) {
    const row = make("div", undefined, "slider");
    const id = `w-${k}-${i}`;
    const label = make("label", name(tracks[k].names[i]));
    const range = make("input");
    const exact = make("input");
    label.htmlFor = id;
    Object.assign(range, { type: "range", id, min: "0", max: "1", step: "0.001" });
    Object.assign(exact, { type: "number", min: "0", max: "1", step: "0.001", inputMode: "decimal" });
    exact.setAttribute("aria-label", `${group}: ${name(tracks[k].names[i])}`);
    const change = (input) => {
      const value = Number(input.value);
      if (input.value === "" || !(value >= 0 && value <= 1)) return;
      for (const [t, members] of family.at) {
        const code = tracks[t].code;
        state.weights[code] = Rule.move(state.weights[code], members, members[place], value);
      }
      schedule(exact === input ? exact : null);
    };
    range.addEventListener("input", () => change(range));
    exact.addEventListener("input", () => change(exact));
    exact.addEventListener("change", () => schedule(null));
    row.append(label, range, exact);
    sliders.push({ track: tracks[k].code, i, range, exact });
    return row;
  }

  function drawSliders(typing) {
    for (const s of sliders) {
      const value = state.weights[s.track][s.i];
      s.range.value = String(value);
      const shown = value.toFixed(3);
      s.range.setAttribute("aria-valuetext", shown);
      if (s.exact !== typing && s.exact.value !== shown) s.exact.value = shown;
    }
  }

  // ---- results ------------------------------------------------------------------------------
  function selected() {
    return tracks.map((t, k) => k).filter((k) => !state.track || tracks[k].code === state.track);
  }

  function tally() {
    const K = data.rule.labels.length;
    const matrix = Array.from({ length: K }, () => new Array(K).fill(0));
    const gates = new Map();
    const sum = { n: 0, up: 0, down: 0, downgraded: 0, before: 0, unrated: 0, matrix, gates, K };
    for (const k of selected()) {
      const now = ratings[k];
      const was = baseline[k];
      for (let e = 0; e < now.star.length; e += 1) {
        if (now.star[e] < 0 || was.star[e] < 0) {
          sum.unrated += 1;
          continue;
        }
        matrix[was.star[e]][now.star[e]] += 1;
        sum.n += 1;
        if (now.star[e] > was.star[e]) sum.up += 1;
        if (now.star[e] < was.star[e]) sum.down += 1;
        if (was.star[e] < was.band[e]) sum.before += 1;
        if (now.star[e] < now.band[e]) {
          sum.downgraded += 1;
          for (const g of now.failed[e]) {
            const code = tracks[k].codes[g];
            const entry = gates.get(code) || { label: tracks[k].names[g], count: 0 };
            entry.count += 1;
            gates.set(code, entry);
          }
        }
      }
    }
    return sum;
  }

  const rowSum = (m, k) => m[k].reduce((a, b) => a + b, 0);
  const colSum = (m, k) => m.reduce((a, row) => a + row[k], 0);

  function drawGlance(sum) {
    const parts = [];
    const said = [];
    const box = $("stack");
    while (box.children.length < sum.K) box.append(make("span"));
    for (let k = 0; k < sum.K; k += 1) {
      const count = colSum(sum.matrix, k);
      const part = box.children[k];
      part.style.flexGrow = String(count);
      part.style.background = data.rule.colours[k];
      part.style.color = data.rule.inks[k];
      part.style.display = count ? "block" : "none";
      put(part, count / sum.n > 0.04 ? String(count) : "");
      said.push(`${stars(k)}: ${count}`);
      parts.push(count);
    }
    box.setAttribute("aria-label", said.join(", "));
    const same = sum.n - sum.up - sum.down;
    put($("moved"), fill("moved", { up: sum.up, down: sum.down, same })
      + (sum.unrated ? fill("moved_unrated", { n: sum.unrated }) : ""));
  }

  function grid(table, head, rows) {
    const thead = table.tHead;
    const body = table.tBodies[0];
    if (!thead.rows.length) thead.append(make("tr"));
    sync(thead.rows[0], head, "th");
    while (body.rows.length > rows.length) body.lastElementChild.remove();
    while (body.rows.length < rows.length) body.append(make("tr"));
    rows.forEach((cells, r) => sync(body.rows[r], cells, "td"));
  }

  // Cells are [text, class]; the first of a body row is its header.
  function sync(row, cells, tag) {
    while (row.cells.length > cells.length) row.lastElementChild.remove();
    cells.forEach(([text, className], c) => {
      let cell = row.cells[c];
      if (!cell) {
        cell = make(c === 0 || tag === "th" ? "th" : "td");
        cell.scope = tag === "th" ? "col" : "row";
        row.append(cell);
      }
      put(cell, text, className || "");
    });
  }

  function drawDistribution(sum) {
    const share = (count) => (sum.n ? (100 * count / sum.n).toFixed(1) : "0.0");
    const rows = [];
    for (let k = 0; k < sum.K; k += 1) {
      const was = rowSum(sum.matrix, k);
      const now = colSum(sum.matrix, k);
      const change = now - was;
      rows.push([[stars(k)], [String(was)], [String(now)], [share(now)],
        [change > 0 ? `+${change}` : String(change).replace("-", "−"), change > 0 ? "up" : change < 0 ? "down" : "muted"]]);
    }
    const change = sum.downgraded - sum.before;
    rows.push([[words("downgraded")], [String(sum.before)], [String(sum.downgraded)],
      [share(sum.downgraded)], [change > 0 ? `+${change}` : String(change).replace("-", "−"), ""]]);
    const head = ["star", "before", "now", "share", "change"].map((key) => [words(key)]);
    grid($("distribution"), head, rows);
    put($("distribution").caption, fill("distribution", { n: sum.n }));
  }

  function drawMatrix(sum) {
    const rows = [];
    for (let r = 0; r < sum.K; r += 1) {
      rows.push([[stars(r)], ...sum.matrix[r].map((count, c) => {
        const kind = count === 0 && r !== c ? "zero" : r === c ? "same" : c > r ? "up" : "down";
        return [count || r === c ? String(count) : "·", kind];
      })]);
    }
    const head = [[words("from_to")], ...Array.from({ length: sum.K }, (_, k) => [stars(k)])];
    grid($("matrix"), head, rows);
    put($("matrix").caption, fill("transitions", { base: name(base.label) }));
  }

  function drawGates(sum) {
    const box = $("gates");
    const entries = [...sum.gates.values()].sort((a, b) => b.count - a.count);
    const lines = entries.length
      ? entries.map((g) => fill("gate_count", { node: name(g.label), count: g.count }))
      : [words("no_gates")];
    while (box.children.length > lines.length) box.lastElementChild.remove();
    while (box.children.length < lines.length) box.append(make("li"));
    lines.forEach((line, i) => put(box.children[i], line));
  }

  function reason(k, e) {
    const now = ratings[k];
    if (now.star[e] < 0) return words("unrated");
    if (now.star[e] >= now.band[e]) return "";
    const gate = data.rule.gate[now.band[e] - 1];
    return now.failed[e].map((g) => fill("gate_reason", {
      node: name(tracks[k].names[g]), score: now.scores[e][g].toFixed(1),
      gate: String(Math.round(gate * 1e6) / 1e6), star: stars(now.band[e]),
    })).join(words("comma"));
  }

  function listed() {
    const wanted = state.find.trim().toLowerCase();
    const out = [];
    for (const k of selected()) {
      const now = ratings[k];
      const was = baseline[k];
      for (let e = 0; e < now.star.length; e += 1) {
        const step = now.star[e] < 0 || was.star[e] < 0 ? 0 : now.star[e] - was.star[e];
        const fits = state.show === "all" || (state.show === "moved" && step !== 0)
          || (state.show === "up" && step > 0) || (state.show === "down" && step < 0)
          || (state.show === "downgraded" && now.star[e] < now.band[e]);
        if (!fits) continue;
        if (wanted && !`${tracks[k].ids[e]} ${tracks[k].labels[e]}`.toLowerCase().includes(wanted)) continue;
        out.push([k, e]);
      }
    }
    return out;
  }

  function drawList() {
    const all = listed();
    const last = Math.max(0, Math.ceil(all.length / PAGE) - 1);
    state.page = Math.min(state.page, last);
    const from = state.page * PAGE;
    const shown = all.slice(from, from + PAGE);
    put($("range"), all.length
      ? fill("range", { from: from + 1, to: from + shown.length, n: all.length }) : words("none"));
    $("earlier").disabled = state.page === 0;
    $("later").disabled = state.page === last;
    const keys = ["enterprise", "track", "total", "before", "now", "why"];
    const head = keys.map((key) => [words(key), ["enterprise", "track", "why"].includes(key) ? "text" : ""]);
    const rows = shown.map(([k, e]) => {
      const now = ratings[k];
      const rated = now.star[e] >= 0 && baseline[k].star[e] >= 0;
      const step = rated ? now.star[e] - baseline[k].star[e] : 0;
      const arrow = step > 0 ? " ▲" : step < 0 ? " ▼" : "";
      const own = tracks[k].labels[e] === tracks[k].ids[e]
        ? tracks[k].ids[e] : `${tracks[k].labels[e]} (${tracks[k].ids[e]})`;
      return [[own, "name"], [name(tracks[k].name), "text"], [now.star[e] < 0 ? "–" : now.total[e].toFixed(2)],
        [stars(baseline[k].star[e])],
        [stars(now.star[e]) + arrow, step > 0 ? "up" : step < 0 ? "down" : ""],
        [reason(k, e), "text why"]];
    });
    grid($("enterprises"), head, rows);
  }

  function draw(typing) {
    const begin = performance.now();
    ratings = tracks.map((t, i) => Rule.rate(t, indices[i], state.weights[t.code], data.rule));
    drawSliders(typing);
    const sum = tally();
    drawGlance(sum);
    drawDistribution(sum);
    drawMatrix(sum);
    drawGates(sum);
    drawList();
    if ($("toml-details").open) $("toml").value = toml();
    void document.body.offsetHeight;  // lay out now, so that the time counts it
    timings.redraw = performance.now() - begin;
  }

  function schedule(typing) {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(typing); });
  }

  // ---- export -------------------------------------------------------------------------------
  function setName() {
    const typed = $("name").value.trim();
    return typed || "explored";
  }
  function toml() {
    const preset = presets.get(state.preset);
    return Toml.write(data, state.weights, {
      name: setName(), detail: `moved by hand, starting from ${preset.name}`,
      date: new Date().toISOString().slice(0, 10), inputs: [[preset.name, preset.digest]],
    });
  }
  function download() {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([toml()], { type: "application/toml" }));
    link.download = `${setName().replace(/[^\p{L}\p{N}._-]+/gu, "-")}.toml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // ---- the page around ----------------------------------------------------------------------
  function options(select, entries, chosen) {
    select.replaceChildren(...entries.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
    select.value = chosen;
  }

  function drawPage() {
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    put($("title"), name(data.title));
    document.title = name(data.title);
    $("synthetic").hidden = !data.synthetic;
    put($("synthetic"), words("synthetic"));
    for (const [id, key] of LABELS) put($(id), words(key));
    put($("leaf-note"), Math.max(...tracks.map((t) => Math.max(...t.depth))) > 1 ? words("leaf_note") : "");
    options($("preset"), data.presets.map((p) => [p.name, p.name === data.baseline
      ? fill("is_base", { name: name(p.label) }) : name(p.label)]), state.preset);
    options($("track"), [["", words("all_tracks")], ...tracks.map((t) => [t.code, name(t.name)])], state.track);
    $("track").parentElement.hidden = tracks.length < 2;
    options($("show"), ["all", "moved", "up", "down", "downgraded"].map((v) => [v, words(`show_${v}`)]), state.show);
    $("footer").replaceChildren(...data.footer.map((line) => make("p", name(line))));
    buildSliders();
    draw(null);
  }

  function loadPreset(value) {
    state.preset = value;
    state.weights = copy(presets.get(value).local);
    schedule(null);
  }

  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  $("language").addEventListener("click", () => { state.language = state.language === "zh" ? "en" : "zh"; drawPage(); });
  $("theme").addEventListener("click", theme);
  $("preset").addEventListener("change", (e) => loadPreset(e.target.value));
  $("reset").addEventListener("click", () => loadPreset(state.preset));
  $("track").addEventListener("change", (e) => { state.track = e.target.value; state.page = 0; schedule(null); });
  $("show").addEventListener("change", (e) => { state.show = e.target.value; state.page = 0; schedule(null); });
  $("find").addEventListener("input", (e) => { state.find = e.target.value; state.page = 0; schedule(null); });
  $("earlier").addEventListener("click", () => { state.page -= 1; schedule(null); });
  $("later").addEventListener("click", () => { state.page += 1; schedule(null); });
  $("name").addEventListener("input", () => schedule(null));
  $("toml-details").addEventListener("toggle", () => schedule(null));
  $("download").addEventListener("click", download);

  drawPage();
  timings.first = performance.now();
  timings.script = timings.first - started;

  // For tests and for readers with a console: the page's own state and rule.
  window.calibExplorer = {
    data, state, timings, toml, redraw: () => draw(null),
    rate: (weights) => tracks.map((t, i) => Rule.rate(t, indices[i], weights[t.code], data.rule)),
  };
})();
