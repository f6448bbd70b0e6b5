"use strict";
/** A live notebook: it checks itself, then its tables and figures follow the controls. */
(() => {
  const { make, button, put } = Dom;
  const { data, say } = LiveData;
  const S = LiveState;

  /** @typedef {{element: Element, recipe: Recipe, host: HTMLElement, show: (how: "executed" | "now") => void,
   *   can: boolean, also?: () => void}} Output */

  /** @param {Recipe} recipe @param {(key: string) => Rated} get @returns {Named} */
  const named = (recipe, get) => recipe.ratings.map(([set, key]) => [set, get(key)]);
  /** Cells of a table, row by row. @param {Recipe} recipe @param {(key: string) => Rated} get @param {boolean} blank */
  function cells(recipe, get, blank) {
    const ratings = named(recipe, get);
    const names = { ...ratings[0][1].framework.names, ...recipe.names };
    const rows = LiveFrames.TABLES[recipe.table || ""](ratings, recipe.base, recipe);
    const columns = recipe.columns || [];
    return {
      total: rows.length,
      rows: rows.slice(0, recipe.rows).map((row) => columns.map((c) => (
        blank && c.blank ? LiveCells.NOTHING : LiveCells.display(row[c.key], c, names)))),
    };
  }

  // Tables whose rows stay the same whatever is changed: cells that differ can be marked.
  const KEYED = ["stars", "node-stars", "enterprises", "agreement", "thresholds"];

  /** A table that follows; or one that must say that it does not.
   * @param {HTMLElement} element @param {Recipe} recipe @returns {Output} */
  function tableOutput(element, recipe) {
    const table = element.querySelector("table");
    const body = table && table.tBodies[0];
    const made = recipe.table !== undefined && recipe.table in LiveFrames.TABLES && body;
    const keyed = KEYED.includes(recipe.table || "");
    const after = make("p", "", "muted");
    const notes = [...element.querySelectorAll("p.muted")].filter((p) => p instanceof HTMLElement);
    after.hidden = true;
    if (made) element.append(after);
    const fresh = make("tbody");
    return {
      element, recipe, host: element, can: Boolean(made),
      show(how) {
        if (!made || !table || !body) return;
        const shown = how === "executed" ? body : fresh;
        if (how === "now") {
          const { rows, total } = cells(recipe, S.now, true);
          while (fresh.rows.length > rows.length) fresh.deleteRow(-1);
          while (fresh.rows.length < rows.length) fresh.insertRow();
          rows.forEach((row, r) => {
            const line = fresh.rows[r];
            while (line.cells.length < row.length) line.insertCell();
            row.forEach((text, c) => {
              const was = (keyed && body.rows.length === rows.length && body.rows[r].cells[c].textContent) || text;
              const alike = was === text || Number(was) === Number(text);
              const head = /** @type {HTMLTableRowElement} */ (/** @type {HTMLTableSectionElement} */ (table.tHead).rows[0]).cells[c];
              put(line.cells[c], text, `${head.className}${alike ? "" : " live-differs"}`);
              line.cells[c].title = alike ? "" : say("live.was", { value: was });
              line.cells[c].style.textAlign = head.style.textAlign;
            });
          });
          const left = total > rows.length ? [say("report.more_rows", { n: total - rows.length })] : [];
          if (!rows.length) left.push(say("live.no_rows"));
          if ((recipe.columns || []).some((column) => column.blank)) left.push(say("live.blank", { blank: LiveCells.NOTHING }));
          put(after, left.join(say("words.semicolon")));
        }
        if (table.tBodies[0] !== shown) table.tBodies[0].replaceWith(shown);
        for (const note of notes) note.hidden = how === "now";
        after.hidden = how === "executed" || !after.textContent;
      },
    };
  }

  /** @param {SVGElement} element @param {Recipe} recipe @returns {Output} */
  function figureOutput(element, recipe) {
    const host = /** @type {HTMLElement} */ (element.closest("figure") || element.parentElement);
    const can = LiveDrawings.can(recipe.figure || "");
    /** @type {HTMLElement | null} */
    let drawn = null;
    /** @type {Output} */
    const out = {
      element, recipe, host, can,
      show(how) {
        if (!can) return;
        if (drawn) drawn.remove();
        drawn = how === "now" ? LiveDrawings.draw(recipe, S.now) : null;
        if (drawn) element.after(drawn);
        element.toggleAttribute("hidden", how === "now");
      },
    };
    if (recipe.figure === "years") {
      const { set } = data.ratings[recipe.ratings[0][1]];
      const { box, draw } = LiveDrawings.yearBox(recipe, (year) => { S.setYear(set, year); changed(); });
      host.after(box);
      out.also = draw;
    }
    return out;
  }

  /** Pale the rows of a table of tipping points that come after the chosen year.
   * @param {HTMLElement} element @param {Recipe} recipe */
  function upToYear(element, recipe) {
    const { set } = data.ratings[recipe.ratings[0][1]];
    const year = S.yearOf(set);
    const at = (recipe.columns || []).findIndex((c) => c.key === "year");
    for (const row of element.querySelectorAll("tbody tr")) {
      const text = /** @type {HTMLTableRowElement} */ (row).cells[at].textContent || "";
      const [y, month] = text.split("-").map(Number);
      row.classList.toggle("live-later", y + ((month || 1) - 1) / 12 >= year);
    }
  }

  /** @type {Output[]} */
  const outputs = [...document.querySelectorAll("[data-live]")].map((element) => {
    /** @type {Recipe} */
    const recipe = JSON.parse(element.getAttribute("data-live") || "{}");
    if (element instanceof SVGElement) return figureOutput(element, recipe);
    const own = /** @type {HTMLElement} */ (element);
    const out = tableOutput(own, recipe);
    if (recipe.table === "tipping") out.also = () => upToYear(own, recipe);
    return out;
  });

  // ---- the page checks itself --------------------------------------------------------------------
  function check() {
    const { wrong, worst } = S.check();
    let tables = 0;
    /** @type {string[]} */
    const differing = wrong.map((key) => data.sets[data.ratings[key].set].label);
    for (const { element, recipe, can } of outputs) {
      const body = element.querySelector("tbody");
      if (!can || !recipe.table || !body) continue;
      const { rows } = cells(recipe, S.before, false);
      const seen = [...body.rows].map((row) => [...row.cells].map((c) => c.textContent || ""));
      const columns = recipe.columns || [];
      const far = LiveSampling.tolerance(5000, recipe.error || 0);
      /** @param {Column} column @param {string} a @param {string} b */
      const alike = (column, a, b) => column.blank || LiveCells.same(a, b)
        || (column.drawn && (column.key === "likeliest" || LiveCells.near(a, b, far)));
      const same = rows.length === seen.length && rows.every((row, r) => row.length === seen[r].length
        && row.every((text, c) => alike(columns[c], text, seen[r][c])));
      if (same) tables += 1; else differing.push(recipe.table);
    }
    return { tables, ratings: Object.keys(data.ratings).length, differing: [...new Set(differing)], worst };
  }

  // ---- showing -----------------------------------------------------------------------------------
  const status = make("p", "", "live-status");
  const list = make("p", "", "live-changes");
  const back = button(say("live.reset"), () => { S.reset(); LivePanel.update(); changed(); }, "main");
  const panel = make("section", undefined, "live-panel");

  /** Whether a rating can differ, by the year alone or not. @param {string} key @param {boolean} weights */
  const differs = (key, weights) => touched(data.ratings[key].set, weights)
    || S.ruled(data.populations[data.ratings[key].population].framework);
  /** Whether something is changed on which an output depends. @param {Recipe} recipe */
  function depends(recipe) {
    // What is about a whole way of weights holds in each of its years.
    if (recipe.weights) return Object.entries(data.sets).some(([set, { digest }]) => digest === recipe.weights && touched(set, true));
    if (recipe.figure === "years") return recipe.ratings.some(([, key]) => differs(key, true));
    return recipe.ratings.some(([, key]) => {
      const { set, population } = data.ratings[key];
      if (recipe.figure === "weights") return touched(set);
      if (recipe.table === "thresholds") return S.ruled(data.populations[population].framework);
      return S.changed(key);
    });
  }

  /** @param {Output} output @param {string} text @param {string} kind */
  function badge(output, text, kind) {
    const found = output.host.querySelector(":scope > .live-badge");
    if (!text) {
      if (found) found.remove();
      output.host.classList.remove("live-now", "live-stale");
      return;
    }
    const own = found || make("p", "", "live-badge");
    if (!found) output.host.prepend(own);
    put(own, text);
    output.host.classList.toggle("live-now", kind === "now");
    output.host.classList.toggle("live-stale", kind === "stale");
  }

  /** @type {Map<Output, number>} */
  const waiting = new Map();
  /** @param {Output} output */
  function later(output) {
    clearTimeout(waiting.get(output));
    output.host.classList.add("live-waiting");
    waiting.set(output, setTimeout(() => {
      output.host.classList.remove("live-waiting");
      output.show(depends(output.recipe) ? "now" : "executed");
    }, 250));
  }

  let timing = 0;
  function refresh() {
    const begin = performance.now();
    for (const output of outputs) {
      const { recipe } = output;
      const moved = depends(recipe);
      // Draws wait until the controls rest.
      if (moved && output.can && recipe.spread) later(output);
      else output.show(moved ? "now" : "executed");
      if (output.also) output.also();
      const onlyYear = recipe.table === "tipping" && moved && !recipe.ratings.some(([, key]) => differs(key, true));
      badge(output, !moved ? "" : onlyYear ? say("live.up_to", { year: S.yearOf(data.ratings[recipe.ratings[0][1]].set) })
        : output.can ? say("live.recomputed") : say("live.stale"), output.can || onlyYear ? "now" : "stale");
    }
    const any = S.any();
    panel.classList.toggle("live-changed", Boolean(any));
    back.disabled = !any;
    put(list, any ? `${say("live.recomputed")} ${LivePanel.inWords().join(say("words.semicolon"))}` : "");
    timing = performance.now() - begin;
  }
  /** @param {string} set @param {boolean} [weights] whether only its weights count, not its year */
  const touched = (set, weights = false) => set in S.changes().weights || (!weights && set in S.changes().years);

  let asked = 0;
  function changed() {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => { refresh(); LivePanel.update(); });
  }

  function start() {
    const found = check();
    const main = document.getElementById("main");
    if (!main || !outputs.length) return;
    panel.setAttribute("aria-label", say("live.title"));
    const follows = outputs.filter((o) => o.can || o.also).length;
    const right = !found.differing.length;
    put(status, right ? say("live.check_right", { tables: found.tables, ratings: found.ratings, worst: found.worst ? found.worst.toExponential(0) : 0 })
      : say("live.check_wrong", { names: found.differing.join(", ") }), right ? "live-status right" : "live-status wrong");
    list.setAttribute("role", "status");
    panel.append(make("p", say("live.intro", { n: follows }), "live-intro"), status);
    if (right) {
      const fold = make("details", undefined, "live-fold");
      fold.append(make("summary", say("live.open")), LivePanel.build(changed));
      fold.addEventListener("toggle", () => LivePanel.update());
      const bar = make("div", undefined, "live-bar-of-changes");
      back.id = "live-reset";
      bar.append(list, back);
      panel.append(fold, bar);
    }
    const first = main.querySelector("h1");
    const place = first && (first.closest("section.text") || first);
    if (place) place.after(panel); else main.prepend(panel);
    if (right) refresh();
    document.documentElement.dataset.recomputes = right ? "checked" : "differs";
  }
  start();
  Object.assign(window, { calibLive: { state: S, check, cells, outputs, timing: () => timing } });
})();
