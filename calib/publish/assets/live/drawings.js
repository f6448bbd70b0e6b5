"use strict";
/** Figures of what was recomputed, as text and bars that fit any width. */
const LiveDrawings = (() => {
  const { make, put } = Dom;
  const { data, name, word, say } = LiveData;

  /** A bar of counts, a piece a star.
   * @param {Rated} rated @param {string} scope @param {string} label */
  function bar(rated, scope, label) {
    const counts = LiveFrames.counts(rated, scope);
    const n = counts.reduce((a, c) => a + c, 0);
    const row = make("div", undefined, "live-row");
    row.append(make("span", `${label}  (n=${n})`, "live-label"));
    const whole = make("div", undefined, "live-bar");
    counts.forEach((count, k) => {
      if (!count) return;
      const piece = make("span", String(count));
      piece.title = `${name(rated.rule.labels[k])}: ${count}`;
      Object.assign(piece.style, {
        flexGrow: String(count), background: rated.framework.colours[k], color: rated.framework.inks[k],
      });
      whole.append(piece);
    });
    whole.setAttribute("role", "img");
    whole.setAttribute("aria-label", counts.map((c, k) => `${name(rated.rule.labels[k])}: ${c}`).join(", "));
    row.append(whole);
    return row;
  }
  /** @param {Rated} rated */
  function legend(rated) {
    const list = make("p", undefined, "live-legend");
    rated.rule.labels.forEach((label, k) => {
      const mark = make("span", undefined, "live-mark");
      mark.style.background = rated.framework.colours[k];
      const one = make("span");
      one.append(mark, name(label));
      list.append(one);
    });
    return list;
  }

  /** @param {Recipe} recipe @param {(key: string) => Rated} get @returns {HTMLElement[]} */
  function stars(recipe, get) {
    const rated = get(recipe.ratings[0][1]);
    return [...LiveFrames.scopes(rated).map((scope) => bar(rated, scope, rated.framework.names[scope] ?? word(`values.${scope}`, scope))),
      legend(rated)];
  }
  /** @param {Recipe} recipe @param {(key: string) => Rated} get */
  function sets(recipe, get) {
    const labels = recipe.labels || {};
    const shown = recipe.ratings.filter(([set]) => set in labels);
    return [...shown.map(([set, key]) => bar(get(key), "all", labels[set])), legend(get(shown[0][1]))];
  }

  /** Weights of the first level, set by set. @param {Recipe} recipe */
  function weights(recipe) {
    const labels = recipe.labels || {};
    const shown = recipe.ratings.filter(([set]) => set in labels).map(([set, key]) => ({ label: labels[set], set: data.ratings[key].set }));
    const { framework } = data.sets[shown[0].set];
    const own = data.frameworks[framework];
    const track = own.tracks[0];
    const index = LiveState.indexOf(framework, track.code);
    const most = Math.max(...shown.flatMap((s) => index.families[0].members.map((i) => LiveState.localOf(s.set)[track.code][i])));
    return index.families[0].members.map((i) => {
      const group = make("div", undefined, "live-group");
      group.append(make("span", own.names[track.codes[i]], "live-label"));
      for (const s of shown) {
        const w = LiveState.localOf(s.set)[track.code][i];
        const row = make("div", undefined, "live-weight");
        const line = make("span", undefined, "live-line");
        line.style.width = `${100 * w / most}%`;
        const scale = make("span", undefined, "live-scale");
        scale.append(line);
        row.append(make("span", s.label), scale, make("span", LiveCells.fixed(w, 3)));
        group.append(row);
      }
      return group;
    });
  }

  /** Who goes from which star to which. @param {Recipe} recipe @param {(key: string) => Rated} get */
  function transitions(recipe, get) {
    const [set] = Object.keys(recipe.labels || {});
    const ratings = /** @type {Named} */ (recipe.ratings.map(([n, key]) => [n, get(key)]));
    const is = LiveFrames.baseOf(ratings, set);
    const stars = is.rule.labels.map(name);
    const moves = LiveFrames.matrix(LiveFrames.baseOf(ratings, recipe.base), is, "all");
    const table = make("table");
    table.append(make("caption", (recipe.labels || {})[set]), make("thead"), make("tbody"));
    /** @type {Cell[]} */
    const head = [[""], ...stars.map((s) => /** @type {Cell} */ ([`→ ${s}`]))];
    Dom.grid(table, head,
      moves.map((row, i) => [[stars[i]], ...row.map((c, j) => /** @type {Cell} */ ([c ? String(c) : "·", i === j ? "muted" : ""]))]));
    const scroll = make("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.append(table);
    return [scroll];
  }

  /** Probabilities of stars, a bar an enterprise, the least certain first.
   * @param {Recipe} recipe @param {(key: string) => Rated} get */
  function acceptability(recipe, get) {
    const [[name_, key]] = recipe.ratings;
    const rated = get(key);
    const { first, labels } = rated.rule;
    const rows = LiveSampling.enterprises([[name_, rated]], recipe)
      .sort((a, b) => Number(a.p_now) - Number(b.p_now)).slice(0, 40);
    return [...rows.map((row) => {
      const line = make("div", undefined, "live-weight");
      const whole = make("span", undefined, "live-bar");
      labels.forEach((label, k) => {
        const p = Number(row[`p_${k + first}`]);
        if (!p) return;
        const piece = make("span", p > 0.08 ? `${Math.round(100 * p)}%` : "");
        piece.title = `${name(label)}: ${LiveCells.fixed(100 * p, 1)}%`;
        Object.assign(piece.style, {
          flexGrow: String(p), minWidth: "0", background: rated.framework.colours[k], color: rated.framework.inks[k],
        });
        whole.append(piece);
      });
      line.append(make("span", String(row.name)), whole, make("span", `P ${LiveCells.fixed(Number(row.p_now), 2)}`));
      return line;
    }), legend(rated)];
  }

  /** @type {Record<string, (recipe: Recipe, get: (key: string) => Rated) => HTMLElement[]>} */
  const FIGURES = { stars, sets, weights, transitions, acceptability };

  /** @param {Recipe} recipe @param {(key: string) => Rated} get */
  function draw(recipe, get) {
    const box = make("div", undefined, "live-figure");
    box.append(make("p", recipe.title || "", "live-title"), ...FIGURES[recipe.figure || ""](recipe, get));
    return box;
  }

  /** Keep the stars of a year under a figure of years, with a control of the year.
   * @param {Recipe} recipe @param {(year: number) => void} choose */
  function yearBox(recipe, choose) {
    const [, key] = recipe.ratings[0];
    const { set } = data.ratings[key];
    const years = data.sets[set].years || [];
    const box = make("div", undefined, "live-figure live-years");
    const label = make("label");
    const range = make("input");
    const said = make("output");
    Object.assign(range, { type: "range", min: String(years[0]), max: String(years[years.length - 1]), step: "1" });
    range.addEventListener("input", () => choose(Number(range.value)));
    label.append(say("live.year_of", { set: data.sets[set].label }), range, said);
    const bars = make("div");
    box.append(label, bars);
    const draw_ = () => {
      const year = LiveState.yearOf(set);
      range.value = String(year);
      put(said, String(year));
      const rated = LiveState.now(key);
      bars.replaceChildren(...LiveFrames.scopes(rated).map((scope) => bar(rated, scope,
        rated.framework.names[scope] ?? word(`values.${scope}`, scope))), legend(rated));
    };
    return { box, draw: draw_ };
  }

  return { draw, yearBox, can: (/** @type {string} */ figure) => figure in FIGURES };
})();
