"use strict";
/** The controls of a live notebook: weights of a set, its year, the rule; what is changed, in words. */
const LivePanel = (() => {
  const { make, options, put } = Dom;
  const { data, say, word, name } = LiveData;
  const S = LiveState;
  /** @type {() => void} */
  let changed = () => {};
  /** Called after every change, so that what stands in the controls follows.
   * @type {(() => void)[]} */
  let follow = [];
  let pending = 0;

  /** Sets that ratings of the page use, by key, with labels that tell them apart. */
  function labels() {
    /** @type {Map<string, string>} */
    const out = new Map();
    const taken = new Set();
    for (const { set } of Object.values(data.ratings)) {
      if (out.has(set)) continue;
      const { label, name: own } = data.sets[set];
      let text = label;
      if (taken.has(text)) text = `${label} (${own})`;
      for (let n = 2; taken.has(text); n += 1) text = `${label} (${n})`;
      taken.add(text);
      out.set(set, text);
    }
    return out;
  }
  const NAMES = labels();

  // ---- weights -----------------------------------------------------------------------------------
  /** Families of a set: the tracks in which one stands, and its members in each.
   * @param {string} set @returns {{at: [string, number[]][], parent: number}[]} */
  function families(set) {
    const { framework } = data.sets[set];
    const { tracks, shared } = data.frameworks[framework];
    const all = tracks.map((t) => ({ code: t.code, index: S.indexOf(framework, t.code) }));
    /** @param {Index} index */
    const tops = (index) => index.families[0].members.map((i) => index.codes[i]);
    const first = tops(all[0].index);
    const common = all.length > 1 && all.every(({ index }) => tops(index).join("\n") === first.join("\n"))
      && first.every((c) => shared.includes(c));
    /** @type {{at: [string, number[]][], parent: number}[]} */
    const out = [];
    if (common) out.push({ at: all.map(({ code, index }) => [code, index.families[0].members]), parent: -1 });
    for (const { code, index } of all) {
      for (const { parent, members } of index.families) {
        if ((parent < 0 && common) || members.length < 2) continue;
        out.push({ at: [[code, members]], parent });
      }
    }
    return out;
  }

  /** @param {string} set @param {{at: [string, number[]][]}} family @param {number} place @param {number} value */
  function move(set, family, place, value) {
    const local = { ...S.localOf(set) };
    for (const [track, members] of family.at) local[track] = Tree.move(local[track], members, members[place], value);
    S.setWeights(set, local);
    changed();
  }

  /** @param {string} set @param {{at: [string, number[]][], parent: number}} family @param {number} place */
  function slider(set, family, place) {
    const [track, members] = family.at[0];
    const i = members[place];
    const own = data.frameworks[data.sets[set].framework];
    const code = S.indexOf(data.sets[set].framework, track).codes[i];
    const label = own.names[code];
    const row = make("div", undefined, "live-slider");
    const id = `live-${family.at.length > 1 ? "all" : track}-${code}`;
    const title = make("label", label);
    title.htmlFor = id;
    const range = make("input");
    Object.assign(range, { type: "range", id, min: "0", max: "1", step: "0.001" });
    const exact = make("input");
    Object.assign(exact, { type: "number", min: "0", max: "1", step: "0.001", inputMode: "decimal" });
    exact.setAttribute("aria-label", `${label}: ${say("live.number")}`);
    const said = make("p", "", "said");
    said.id = `${id}-said`;
    range.setAttribute("aria-describedby", said.id);
    const was = (data.sets[set].path || []).length ? null : data.sets[set].local[track][i];
    for (const input of [range, exact]) {
      input.addEventListener("input", () => {
        const value = Number(input.value);
        if (input.value !== "" && value >= 0 && value <= 1) move(set, family, place, value);
      });
    }
    follow.push(() => {
      const value = S.localOf(set)[track][i];
      range.value = String(value);
      range.setAttribute("aria-valuetext", LiveCells.fixed(value, 3));
      if (exact !== document.activeElement) exact.value = LiveCells.fixed(value, 3);
      row.classList.toggle("moved", was !== null && Math.abs(was - value) > 1e-9);
    });
    row.append(title, range, exact, said);
    return { row, said, track, i, family, place };
  }

  /** Say in which interval of each open slider no star changes. @param {string} set
   * @param {ReturnType<typeof slider>[]} sliders */
  function intervals(set, sliders) {
    const key = Object.keys(data.ratings).find((k) => data.ratings[k].set === set);
    if (key === undefined) return;
    const rated = S.now(key);
    for (const s of sliders) {
      if (!s.row.offsetParent) continue;
      const parts = s.family.at.flatMap(([track, members]) => rated.parts.filter((p) => p.part.code === track).map(({ part, rating }) => ({
        index: part.index, X: part.X, local: S.localOf(set)[track], rating, node: members[s.place],
        locked: () => false, groups: part.groups,
      })));
      const strip = parts.length ? Lines.strip(parts) : null;
      const w = S.localOf(set)[s.track][s.i];
      const here = strip && strip.pieces.find((p) => p.from <= w + 1e-12 && w <= p.to + 1e-12 && !p.up && !p.down);
      put(s.said, !strip ? "" : here ? say("explorer.holds_between", { from: here.from.toFixed(3), to: here.to.toFixed(3) })
        : say("explorer.on_edge"));
    }
  }

  /** @param {HTMLElement} box @param {string} set */
  function weights(box, set) {
    const own = data.frameworks[data.sets[set].framework];
    /** @type {ReturnType<typeof slider>[]} */
    const sliders = [];
    for (const family of families(set)) {
      const [track] = family.at[0];
      const index = S.indexOf(data.sets[set].framework, track);
      const code = family.parent < 0 ? "" : index.codes[family.parent];
      const group = make("fieldset");
      const title = code ? own.names[code] : own.top;
      const several = own.tracks.length > 1 && family.at.length === 1;
      const text = several ? `${title} · ${own.names[track]}` : title;
      const fill = () => family.at[0][1].forEach((_, place) => {
        const made = slider(set, family, place);
        sliders.push(made);
        group.append(made.row);
      });
      if (!code) {
        group.append(make("legend", text));
        fill();
        box.append(group);
        continue;
      }
      // Lower levels are folded away, and made when they are opened.
      const fold = make("details");
      fold.append(make("summary", say("live.under", { node: text })), group);
      group.setAttribute("aria-label", text);
      fold.addEventListener("toggle", () => {
        if (fold.open && group.childElementCount === 0) fill();
        update();
      });
      box.append(fold);
    }
    follow.push(() => {
      clearTimeout(pending);
      pending = setTimeout(() => intervals(set, sliders), 120);
    });
  }

  /** @param {HTMLElement} box @param {string} set */
  function year(box, set) {
    const { years } = data.sets[set];
    if (!years) return;
    const label = make("label", say("live.year"), "live-year");
    const range = make("input");
    const said = make("output");
    Object.assign(range, { type: "range", id: "live-year", min: String(years[0]), max: String(years[years.length - 1]), step: "1" });
    range.addEventListener("input", () => { S.setYear(set, Number(range.value)); changed(); });
    follow.push(() => { range.value = String(S.yearOf(set)); put(said, String(S.yearOf(set))); });
    label.append(range, said);
    box.append(label);
  }

  // ---- the rule ----------------------------------------------------------------------------------
  /** What a number of the rule is, and its group. @param {LiveFramework} own @param {Place} place */
  function titles(own, place) {
    const star = name(own.rule.labels[place.step]);
    /** @param {string} code */
    const named = (code) => own.names[code] ?? code;
    if (place.kind === "band") return [star, [say("explorer.bands"), place.tracks.map(named).join(", ")].filter(Boolean).join(" · ")];
    if (place.kind === "gate") return [star, say("explorer.gate_values")];
    if (place.kind === "nodeGate") return [star, `${say("explorer.gate_at")} ${named(place.node || place.level)}`];
    return [`${named(place.node)} ${word(`explorer.when_${place.when}`, place.when)}`, say("explorer.cap_at", { star })];
  }
  /** @param {LiveFramework} own @param {string} key @param {string} value */
  const optionValue = (own, key, value) => (own.levels[value] ? name(own.levels[value])
    : word(`rule_option_values.${key}.${value}`, value));

  /** @param {HTMLElement} box @param {string} framework */
  function rule(box, framework) {
    const own = data.frameworks[framework];
    const chosenOptions = make("div", undefined, "live-options");
    for (const [key, values] of Object.entries(own.choices)) {
      const label = make("label", word(`rule_options.${key}`, key));
      const select = make("select");
      select.dataset.option = key;
      options(select, values.map((v) => [v, optionValue(own, key, v)]), S.optionsOf(framework)[key]);
      select.addEventListener("change", () => {
        S.setOption(framework, key, select.value);
        numbers();
        changed();
      });
      follow.push(() => { select.value = S.optionsOf(framework)[key]; });
      label.append(select);
      chosenOptions.append(label);
    }
    const list = make("div", undefined, "live-numbers");
    const wrong = make("p", "", "live-wrong");
    wrong.setAttribute("role", "alert");
    const numbers = () => {
      /** @type {Map<string, HTMLElement>} */
      const groups = new Map();
      const places = Places.inForce(own.rule, S.optionsOf(framework), own.tracks.map((t) => t.code));
      for (const place of places) {
        const [title, group] = titles(own, place);
        const set = groups.get(group) || make("fieldset");
        if (!groups.has(group)) set.append(make("legend", group));
        groups.set(group, set);
        const label = make("label", title);
        const input = make("input");
        Object.assign(input, { type: "number", step: "any" });
        input.dataset.path = place.path;
        input.setAttribute("aria-label", `${group}: ${title}`);
        const edits = () => S.changes().edits[framework] || {};
        const show = () => { if (input !== document.activeElement) input.value = String(edits()[place.path] ?? Places.at(own.rule, place.path)); };
        input.addEventListener("input", () => {
          const value = Number(input.value);
          const fits = input.value !== "" && Number.isFinite(value) && Places.rises(own.rule, edits(), place.path, value);
          input.setAttribute("aria-invalid", String(!fits));
          put(wrong, fits ? "" : say("live.not_rising"));
          if (!fits) return;
          S.setNumber(framework, place.path, value);
          changed();
        });
        show();
        follow.push(show);
        label.append(input);
        set.append(label);
      }
      list.replaceChildren(...groups.values());
    };
    numbers();
    box.append(chosenOptions, list, wrong);
  }

  // ---- what is changed, in words -----------------------------------------------------------------
  /** @returns {string[]} */
  function inWords() {
    const { weights: moved, years, options: answered, edits } = S.changes();
    const out = Object.entries(years).map(([set, y]) => say("live.change_year", { set: NAMES.get(set) || "", year: y }));
    for (const set of Object.keys(moved)) {
      const { framework, local } = data.sets[set];
      const own = data.frameworks[framework];
      const seen = new Set();
      for (const [track, now] of Object.entries(moved[set])) {
        const { codes } = S.indexOf(framework, track);
        now.forEach((w, i) => {
          const text = `${own.names[codes[i]]} ${LiveCells.fixed(local[track][i], 3)} → ${LiveCells.fixed(w, 3)}`;
          if (Math.abs(w - local[track][i]) > 5e-4 && !seen.has(text)) seen.add(text);
        });
      }
      out.push(say("live.change_weights", { set: NAMES.get(set) || "", weights: [...seen].join(say("words.comma")) }));
    }
    for (const [framework, own] of Object.entries(data.frameworks)) {
      for (const [key, value] of Object.entries(answered[framework] || {})) {
        out.push(say("live.change_option", { option: word(`rule_options.${key}`, key), value: optionValue(own, key, value) }));
      }
      const places = Places.inForce(own.rule, S.optionsOf(framework), own.tracks.map((t) => t.code));
      for (const [path, value] of Object.entries(edits[framework] || {})) {
        const place = places.find((p) => p.path === path);
        if (!place) continue;
        const [title, group] = titles(own, place);
        out.push(say("live.change_number", { what: `${group}, ${title}`, from: String(Places.at(own.rule, path)), to: String(value) }));
      }
    }
    return out;
  }

  /** Fill the panel with the controls of a set. @param {HTMLElement} box @param {string} set */
  function fill(box, set) {
    follow = [];
    const left = make("div");
    year(left, set);
    weights(left, set);
    const { framework } = data.sets[set];
    const fold = make("details");
    fold.open = true;
    fold.append(make("summary", say("live.rule")));
    rule(fold, framework);
    box.replaceChildren(left, fold);
    update();
  }
  function update() { for (const one of follow) one(); }

  /** @param {() => void} onChange */
  function build(onChange) {
    changed = onChange;
    const controls = make("div", undefined, "live-controls");
    const label = make("label", say("live.set"));
    const select = make("select");
    select.id = "live-set";
    options(select, [...NAMES], [...NAMES.keys()][0]);
    select.addEventListener("change", () => fill(controls, select.value));
    label.append(select);
    const box = make("div");
    box.append(label, make("p", say("live.derived"), "muted"), controls);
    fill(controls, select.value);
    return box;
  }

  return { build, update, inWords };
})();
