"use strict";
// The explorer page: wiring of its controls.
(() => {
  const started = performance.now();
  const { $, make, put, options, save } = Dom;
  const M = Model;
  const timings = { first: 0, redraw: 0, strips: 0 };
  let scheduled = false;
  let stripsDue = 0;
  let own = "";
  const published = M.samples.slice();
  /** @param {unknown} error */
  const because = (error) => (error instanceof Error ? error.message : String(error));

  // ---- drawing ---------------------------------------------------------------------------------
  function draw(typing) {
    const begin = performance.now();
    M.update();
    Sliders.draw(typing);
    Evidence.draw();
    Results.draw();
    Compare.draw();
    Detail.draw();
    Evidence.drawShares();
    drawPath();
    $("undo").disabled = !M.canUndo();
    $("redo").disabled = !M.canRedo();
    if ($("toml-details").open) $("toml").value = toml();
    void document.body.offsetHeight;  // lay out now, so that the time counts it
    timings.redraw = performance.now() - begin;
    strips();
  }
  function schedule(typing, stopped) {
    if (stopped !== undefined) put($("stopped"), stopped ? M.fill("stopped", { node: stopped }) : "");
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; draw(typing); });
  }
  // Strips follow when the hand rests: the last question is the one that counts.
  function strips() {
    stripsDue += 1;
    const mine = stripsDue;
    setTimeout(async () => {
      if (mine !== stripsDue) return;
      const { result, time } = await Workshop.ask({
        kind: "strips", rule: M.rule(), options: M.state.chosen.options, sliders: Sliders.jobs(),
        local: M.tracks.map((t) => M.state.chosen.weights[t.code]),
        locked: M.state.chosen.locked.flatMap((key) => lockedAs(key)),
      });
      if (mine !== stripsDue) return;
      timings.strips = time;
      Sliders.drawStrips(result);
      document.documentElement.dataset.strips = String(mine);
    }, 60);
  }
  function lockedAs(key) {
    const [track, code] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
    return M.tracks.flatMap((t, k) => (track === "*" || t.code === track ? [`${k}/${code}`] : []));
  }
  function loadData() {
    return Workshop.ask({ kind: "data", samples: M.tracks.map((track, k) => ({ track, X: M.samples[k].X })) });
  }

  // ---- export ----------------------------------------------------------------------------------
  const setName = () => $("name").value.trim() || "explored";
  function toml() {
    const preset = M.presets.get(M.state.chosen.preset);
    return Toml.write(M.data, M.state.chosen.weights, {
      name: setName(), detail: `moved by hand, starting from ${preset.name}`,
      date: new Date().toISOString().slice(0, 10), inputs: [[preset.name, preset.digest]],
    });
  }
  const opinion = () => Files.opinion({
    name: $("name").value.trim(), role: $("role").value.trim(), comment: $("comment").value.trim(),
  });

  // ---- years of a shift ------------------------------------------------------------------------
  const pathNow = () => M.data.paths.find((p) => p.name === $("path").value) || M.data.paths[0];
  function drawPath() {
    $("paths").hidden = !M.data.paths.length;
    if (!M.data.paths.length) return;
    const path = pathNow();
    const { year } = M.state.chosen;
    const place = M.state.chosen.path === path.name ? path.years.indexOf(year) : -1;
    $("year").min = "0";
    $("year").max = String(path.years.length - 1);
    if (place >= 0) $("year").value = String(place);
    put($("year-now"), place >= 0 ? String(path.years[place]) : "–");
    $("year").setAttribute("aria-valuetext", place >= 0 ? String(path.years[place]) : "–");
  }
  function setYear() {
    const path = pathNow();
    const place = Number($("year").value);
    M.load(path.local[place]);
    M.state.chosen.path = path.name;
    M.state.chosen.year = path.years[place];
    schedule(null, "");
  }

  // ---- own answers -----------------------------------------------------------------------------
  async function loadOwn(file) {
    if (!file) return;
    const said = $("own-said");
    try {
      const { faults, samples, left } = Files.samplesOf(await Files.readTable(file), $("own-kind").value);
      if (faults.length) {
        said.replaceChildren(...faults.slice(0, 10).map((f) => make("li", f)),
          ...(faults.length > 10 ? [make("li", M.fill("more_faults", { n: faults.length - 10 }))] : []));
        return;
      }
      own = file.name;
      replaceSamples(samples);
      const n = samples.reduce((a, s) => a + s.ids.length, 0);
      said.replaceChildren(make("li", M.fill("own_loaded", { n, file: file.name })),
        ...(left ? [make("li", M.fill("own_left", { n: left }))] : []));
    } catch (error) {
      said.replaceChildren(make("li", M.fill("bad_file", { file: file.name, cause: because(error) })));
    }
  }
  function replaceSamples(samples) {
    M.replace(samples);
    Compare.forget();
    Evidence.forget();
    loadData();
    $("own-back").hidden = !own;
    M.state.page = 0;
    drawCheck();
    schedule(null);
  }

  // ---- the page around -------------------------------------------------------------------------
  let checked = null;
  function drawCheck() {
    const { sets, wrong, worst } = checked;
    const text = wrong.length ? M.fill("check_wrong", { names: wrong.join(", ") })
      : M.fill("check_right", { n: sets, worst: worst < 1e-15 ? "0" : worst.toExponential(0) });
    put($("check"), own ? `${text} ${M.fill("own_shown", { file: own })}` : text, `intro check ${wrong.length ? "wrong" : "right"}`);
  }
  function drawPage() {
    const { state, data } = M;
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    put($("title"), M.name(data.title));
    document.title = M.name(data.title);
    $("synthetic").hidden = !data.synthetic;
    put($("synthetic"), M.words("synthetic"));
    for (const [id, key] of LABELS) put($(id), M.words(key));
    put($("leaf-note"), M.words("leaf_note"));
    options($("preset"), data.presets.map((p) => [p.name, p.name === data.baseline
      ? M.fill("is_base", { name: M.name(p.label) }) : M.name(p.label)]), state.chosen.preset);
    options($("path"), data.paths.map((p) => [p.name, M.name(p.label)]), state.chosen.path || (data.paths[0] || { name: "" }).name);
    options($("track"), [["", M.words("all_tracks")], ...M.tracks.map((t) => [t.code, M.name(t.name)])], state.track);
    $("track").parentElement.hidden = M.tracks.length < 2;
    options($("show"), ["all", "moved", "up", "down", "downgraded"].map((v) => [v, M.words(`show_${v}`)]), state.show);
    options($("own-kind"), ["answers", "scores"].map((v) => [v, M.words(`kind_${v}`)]), $("own-kind").value || "answers");
    $("own-back").hidden = !own;
    $("cap").value = state.chosen.cap === null ? "" : String(100 * state.chosen.cap);
    $("footer").replaceChildren(...data.footer.map((line) => make("p", M.name(line))));
    drawCheck();
    Evidence.build();
    RuleBox.build(ruleChanged);
    Sliders.build(schedule);
    draw(null);
  }
  function ruleChanged(rebuild) {
    Compare.forget();
    if (rebuild) RuleBox.build(ruleChanged);
    $("rule-reset").disabled = !Object.keys(M.state.chosen.edits).length;
    schedule(null);
  }
  function loadPreset(value) {
    M.state.chosen.preset = value;
    M.load(M.presets.get(value).local);
    M.state.chosen.path = "";
    M.commit();
    schedule(null, "");
  }
  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }
  const goBack = (there) => { if (there()) drawPage(); };
  const on = (id, event, act) => $(id).addEventListener(event, act);

  on("language", "click", () => { M.state.language = M.state.language === "zh" ? "en" : "zh"; drawPage(); });
  on("theme", "click", theme);
  on("preset", "change", (e) => loadPreset(e.target.value));
  on("reset", "click", () => loadPreset(M.state.chosen.preset));
  on("undo", "click", () => goBack(M.undo));
  on("redo", "click", () => goBack(M.redo));
  document.addEventListener("keydown", (e) => {
    const at = e.target;
    const typing = at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement
      || (at instanceof HTMLInputElement && at.type !== "range");
    if (!(e.ctrlKey || e.metaKey) || e.altKey || typing) return;
    const key = e.key.toLowerCase();
    if (key === "z" && !e.shiftKey) { e.preventDefault(); goBack(M.undo); }
    if (key === "y" || (key === "z" && e.shiftKey)) { e.preventDefault(); goBack(M.redo); }
  });
  on("path", "change", () => { $("year").value = "0"; setYear(); M.commit(); });
  on("year", "input", setYear);
  on("year", "change", () => M.commit());
  on("cap", "change", (e) => {
    const value = Number(e.target.value);
    M.state.chosen.cap = e.target.value !== "" && value > 0 && value <= 100 ? value / 100 : null;
    M.commit();
  });
  on("rule-reset", "click", () => { M.state.chosen.edits = {}; M.commit(); RuleBox.build(ruleChanged); ruleChanged(false); });
  on("own", "change", (e) => loadOwn(e.target.files[0]));
  on("own-back", "click", () => { own = ""; $("own").value = ""; $("own-said").replaceChildren(); replaceSamples(published); });
  on("track", "change", (e) => { M.state.track = e.target.value; M.state.page = 0; schedule(null); });
  on("show", "change", (e) => { M.state.show = e.target.value; M.state.page = 0; schedule(null); });
  on("find", "input", (e) => { M.state.find = e.target.value; M.state.page = 0; schedule(null); });
  on("earlier", "click", () => { M.state.page -= 1; schedule(null); });
  on("later", "click", () => { M.state.page += 1; schedule(null); });
  on("pin-a", "click", () => { Compare.pin("A"); schedule(null); });
  on("pin-b", "click", () => { Compare.pin("B"); schedule(null); });
  on("unpin", "click", () => { M.state.chosen.pins = {}; M.commit(); schedule(null); });
  on("detail-close", "click", Detail.close);
  on("name", "input", () => schedule(null));
  on("toml-details", "toggle", () => schedule(null));
  on("download", "click", () => save(`${setName()}.toml`, toml(), "application/toml"));
  on("opinion", "click", () => save(`opinion-${$("name").value.trim() || new Date().toISOString().slice(0, 10)}.json`, opinion(), "application/json"));
  on("state-save", "click", () => save("explorer-state.json", Files.stateText(), "application/json"));
  on("state", "change", async (e) => {
    const file = e.target.files[0];
    if (!file) return;
    try {
      M.adopt(Files.readState(await file.text()));
      put($("state-said"), "");
      drawPage();
    } catch (error) {
      put($("state-said"), M.fill("bad_file", { file: file.name, cause: because(error) }));
    }
  });
  Evidence.listen();

  checked = M.check();
  M.updateBaseline();
  M.update();
  M.readAddress();
  Workshop.start();
  loadData();
  drawPage();
  timings.first = performance.now();
  timings.script = timings.first - started;

  // For tests and for readers with a console: the page's own state and engine.
  const page = {
    data: M.data, timings, toml, opinion, redraw: () => draw(null), checked, loadOwn, sample: Evidence.sample,
    sampled: Evidence.last, stateText: Files.stateText, inWorker: Workshop.inWorker,
    get state() { return { ...M.state, weights: M.state.chosen.weights }; },
    rate: (weights) => M.rate(weights),
  };
  Object.assign(window, { calibExplorer: page });
})();
