"use strict";
// The sliders: local weight and share side by side, strips of stars, locks, ranges.
const Sliders = (() => {
  const { $, make, button, put } = Dom;
  const M = Model;
  let sliders = [];
  const opened = new Set();
  const ranged = new Set();
  /** @type {(typing: HTMLInputElement | null, stopped?: string) => void} */
  let onMove = () => {};

  function build(moved) {
    onMove = moved;
    const box = $("sliders");
    box.replaceChildren();
    sliders = [];
    const folds = new Map();
    for (const family of M.families()) {
      let into = box;
      const [k, members] = family.at[0];
      if (family.parent >= 0) {
        // Lower levels are folded away: the page opens with the few weights that matter most.
        if (!folds.has(family.track)) folds.set(family.track, fold(`${M.tracks[k].code}`, box, M.tracks.length > 1
          ? M.fill("lower_of", { track: M.name(M.tracks[k].name) }) : M.words("lower")));
        into = folds.get(family.track);
        if (M.tracks[k].depth[family.parent] > 1) {
          into = fold(`${M.tracks[k].code}/${M.tracks[k].codes[family.parent]}`, into, M.name(M.tracks[k].names[family.parent]));
        }
      }
      const title = family.parent < 0 ? M.name(M.data.framework.top) : M.name(M.tracks[k].names[family.parent]);
      const set = make("fieldset");
      set.append(make("legend", title));
      members.forEach((_, place) => set.append(slider(family, place, title, into)));
      into.append(set);
    }
  }

  function fold(key, box, title) {
    const details = make("details", undefined, "fold");
    details.open = opened.has(key);
    details.append(make("summary", title));
    details.addEventListener("toggle", () => {
      if (details.open) opened.add(key); else opened.delete(key);
      onMove(null);
    });
    box.append(details);
    return details;
  }

  function slider(family, place, group, into) {
    const [k, members] = family.at[0];
    const i = members[place];
    const label = M.name(M.tracks[k].names[i]);
    const id = `w-${k}-${i}`;
    const row = make("div", undefined, "slider");
    const head = make("div", undefined, "slider-head");
    const title = make("label", label);
    title.htmlFor = id;
    const share = make("span", "", "share");
    head.append(title, share);
    const range = make("input");
    const exact = make("input");
    Object.assign(range, { type: "range", id, min: "0", max: "1", step: "0.001" });
    Object.assign(exact, { type: "number", min: "0", max: "1", step: "0.001", inputMode: "decimal" });
    exact.setAttribute("aria-label", `${group}: ${label}`);
    const strip = make("div", undefined, "strip");
    strip.setAttribute("role", "img");
    const said = make("p", "", "said");
    said.id = `${id}-said`;
    range.setAttribute("aria-describedby", said.id);
    const key = M.keyOf(family, place);
    const lock = button("", () => {
      const { locked } = M.state.chosen;
      M.state.chosen.locked = locked.includes(key) ? locked.filter((x) => x !== key) : [...locked, key];
      M.commit();
      onMove(null);
    }, "small lock");
    lock.setAttribute("aria-label", `${M.words("lock")}: ${label}`);
    const more = button("", () => {
      if (ranged.has(key)) ranged.delete(key); else ranged.add(key);
      onMove(null);
    }, "small more");
    more.setAttribute("aria-label", `${M.words("limit")}: ${label}`);
    const limits = make("div", undefined, "limits");
    const bounds = ["from_word", "to_word"].map((word, side) => {
      const input = make("input");
      Object.assign(input, { type: "number", min: "0", max: "1", step: "0.01", inputMode: "decimal" });
      input.setAttribute("aria-label", `${label}: ${M.words(word)}`);
      input.addEventListener("change", () => {
        const value = Math.min(1, Math.max(0, Number(input.value)));
        const now = (M.state.chosen.ranges[key] || [0, 1]).slice();
        now[side] = Number.isNaN(value) ? side : value;
        if (now[0] > now[1]) now[1 - side] = now[side];
        if (now[0] === 0 && now[1] === 1) delete M.state.chosen.ranges[key];
        else M.state.chosen.ranges[key] = now;
        M.commit();
        onMove(null);
      });
      const wrap = make("label", M.words(word));
      wrap.append(input);
      limits.append(wrap);
      return input;
    });
    const change = (input) => {
      const value = Number(input.value);
      if (input.value === "" || !(value >= 0 && value <= 1)) return;
      const stopped = M.set(family, place, value);
      onMove(exact === input ? exact : null, stopped ? label : "");
    };
    range.addEventListener("input", () => change(range));
    exact.addEventListener("input", () => change(exact));
    for (const input of [range, exact]) input.addEventListener("change", () => { M.commit(); onMove(null); });
    row.append(head, range, exact, strip, said, lock, more, limits);
    sliders.push({ family, place, key, k, i, range, exact, share, strip, said, lock, more, limits, bounds, label, into });
    return row;
  }

  const isShown = (s) => {
    for (let at = s.into; at && at.id !== "sliders"; at = at.parentElement) if (at.tagName === "DETAILS" && !at.open) return false;
    return true;
  };

  function draw(typing) {
    const weights = M.tracks.map((t, k) => Tree.globalWeights(M.indices[k], M.state.chosen.weights[t.code]));
    const parts = new Map();
    for (const s of sliders) {
      if (!isShown(s)) continue;
      const members = s.family.at[0][1];
      if (!parts.has(s.family)) parts.set(s.family, M.contributions(s.k, members, M.state.chosen.weights[M.tracks[s.k].code]));
      const value = M.state.chosen.weights[M.tracks[s.k].code][s.i];
      const shown = value.toFixed(3);
      s.range.value = String(value);
      s.range.setAttribute("aria-valuetext", shown);
      if (s.exact !== typing && s.exact.value !== shown) s.exact.value = shown;
      put(s.share, M.fill("share_of", {
        share: (100 * weights[s.k][s.i]).toFixed(1), part: (100 * parts.get(s.family)[s.place]).toFixed(1),
      }));
      const locked = M.state.chosen.locked.includes(s.key);
      const range = M.state.chosen.ranges[s.key];
      put(s.lock, M.words(locked ? "unlock" : "lock"));
      s.lock.setAttribute("aria-pressed", String(locked));
      put(s.more, range ? `${range[0]}–${range[1]}` : M.words("limit"));
      s.more.setAttribute("aria-expanded", String(ranged.has(s.key)));
      s.limits.hidden = !ranged.has(s.key);
      s.range.disabled = locked;
      s.exact.disabled = locked;
      if (ranged.has(s.key)) s.bounds.forEach((b, side) => { if (b !== document.activeElement) b.value = String((range || [0, 1])[side]); });
    }
  }

  // ---- strips: where each slider starts to matter ------------------------------------------------
  function jobs() {
    return sliders.filter(isShown).map((s) => ({ key: s.key, at: s.family.at.map(([k, members]) => [k, members[s.place]]) }));
  }
  function drawStrips(found) {
    for (const s of sliders) {
      if (!(s.key in found)) continue;
      const strip = found[s.key];
      s.found = strip;
      const w = M.state.chosen.weights[M.tracks[s.k].code][s.i];
      if (!strip) {
        s.strip.style.background = "";
        const followed = Lines.followed(Limits.effective(M.rule(), M.state.chosen.options, M.indices[s.k]));
        const locked = M.state.chosen.locked.includes(s.key);
        put(s.said, M.words(!followed ? "not_followed" : locked ? "is_locked" : "cannot_move"));
        continue;
      }
      s.strip.style.background = gradient(strip);
      const here = strip.pieces.find((p) => p.from <= w + 1e-12 && w <= p.to + 1e-12 && !p.up && !p.down);
      const text = here ? M.fill("holds_between", { from: round(here.from), to: round(here.to) }) : M.words("on_edge");
      const next = strip.pieces.filter((p) => p.up + p.down === 1);
      const one = here && next.find((p) => p.from >= here.to - 1e-9 || p.to <= here.from + 1e-9);
      put(s.said, one ? `${text} ${M.fill("one_changes", { from: round(one.from), to: round(one.to) })}` : text);
      s.strip.setAttribute("aria-label", `${s.label}: ${text}`);
      s.strip.title = strip.pieces.slice(0, 40).map((p) => M.fill("piece", {
        from: round(p.from), to: round(p.to), up: p.up, down: p.down,
      })).join("\n");
    }
  }
  const round = (x) => x.toFixed(3);
  function gradient(strip) {
    const most = Math.max(1, ...strip.pieces.map((p) => p.up + p.down));
    const stops = strip.pieces.map((p) => {
      const count = p.up + p.down;
      const colour = p.up >= p.down ? "var(--up)" : "var(--down)";
      const ink = count ? `color-mix(in srgb, ${colour} ${Math.round(25 + 75 * count / most)}%, var(--raised))` : "var(--paper)";
      return `${ink} ${(100 * p.from).toFixed(3)}% ${(100 * p.to).toFixed(3)}%`;
    });
    return `linear-gradient(to right, ${[...stops, `var(--line) ${(100 * strip.high).toFixed(3)}% 100%`].join(", ")})`;
  }

  return { build, draw, jobs, drawStrips, all: () => sliders };
})();
