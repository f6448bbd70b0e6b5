"use strict";
// Files in and out: own answers, the state of the page, my weights. Nothing leaves the browser.
const Files = (() => {
  const M = Model;

  // ---- tables ----------------------------------------------------------------------------------
  // RFC 4180; the separator is the one that the first line has most of.
  function parseCsv(text) {
    const plain = text.replace(/^\ufeff/, "");
    const first = plain.slice(0, (plain.indexOf("\n") + 1 || plain.length + 1) - 1);
    const mark = [",", ";", "\t"].sort((a, b) => first.split(b).length - first.split(a).length)[0];
    const rows = [[]];
    let cell = "";
    let quoted = false;
    for (let i = 0; i < plain.length; i += 1) {
      const c = plain[i];
      if (quoted) {
        if (c !== '"') cell += c;
        else if (plain[i + 1] === '"') { cell += '"'; i += 1; } else quoted = false;
      } else if (c === '"' && cell === "") quoted = true;
      else if (c === mark) { rows[rows.length - 1].push(cell); cell = ""; }
      else if (c === "\n" || c === "\r") {
        if (c === "\r" && plain[i + 1] === "\n") i += 1;
        rows[rows.length - 1].push(cell);
        cell = "";
        rows.push([]);
      } else cell += c;
    }
    rows[rows.length - 1].push(cell);
    return rows.filter((r) => r.some((x) => x.trim() !== ""));
  }

  // The first sheet of a workbook, read with what browsers bring: a workbook is a zip of XML.
  async function parseXlsx(buffer) {
    const parts = unzip(new DataView(buffer));
    const xml = async (name) => {
      const part = parts.get(name);
      if (!part) return null;
      const text = part.deflated
        ? await new Response(new Blob([part.bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text()
        : new TextDecoder().decode(part.bytes);
      return new DOMParser().parseFromString(text, "application/xml");
    };
    const all = (node, tag) => [...node.getElementsByTagNameNS("*", tag)];
    const strings = await xml("xl/sharedStrings.xml");
    const shared = strings ? all(strings, "si").map((si) => all(si, "t").map((t) => t.textContent).join("")) : [];
    const book = await xml("xl/workbook.xml");
    const links = await xml("xl/_rels/workbook.xml.rels");
    if (!book || !links) throw new Error(M.words("no_table"));
    const id = [...all(book, "sheet")[0].attributes].find((a) => a.localName === "id" && a.prefix).value;
    const target = all(links, "Relationship").find((r) => r.getAttribute("Id") === id).getAttribute("Target");
    const sheet = await xml(target.startsWith("/") ? target.slice(1) : `xl/${target}`);
    const rows = all(sheet, "row").map((row) => {
      const out = [];
      for (const c of all(row, "c")) {
        const letters = (c.getAttribute("r") || "").replace(/\d+/g, "");
        const column = letters ? [...letters].reduce((a, x) => 26 * a + x.charCodeAt(0) - 64, 0) - 1 : out.length;
        const v = all(c, "v")[0];
        const type = c.getAttribute("t");
        out[column] = type === "s" ? shared[Number(v.textContent)]
          : type === "inlineStr" ? all(c, "t").map((t) => t.textContent).join("") : v ? v.textContent : "";
      }
      return Array.from(out, (x) => x ?? "");
    });
    return rows.filter((r) => r.some((x) => x.trim() !== ""));
  }
  function unzip(view) {
    let end = view.byteLength - 22;
    while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
    if (end < 0) throw new Error(M.words("no_table"));
    const parts = new Map();
    let at = view.getUint32(end + 16, true);
    for (let n = view.getUint16(end + 10, true); n > 0; n -= 1) {
      const [method, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)];
      const [name, extra, note] = [28, 30, 32].map((o) => view.getUint16(at + o, true));
      const local = view.getUint32(at + 42, true);
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const path = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, name));
      parts.set(path, { deflated: method === 8, bytes: new Uint8Array(view.buffer, start, size) });
      at += 46 + name + extra + note;
    }
    return parts;
  }

  // ---- own answers -----------------------------------------------------------------------------
  // What a column may be called, in every language.
  const heads = (key) => Object.values(M.data.texts[`heads_${key}`]).join(",").split(",");
  const same = (a, b) => a.trim().toLowerCase() === b.trim().toLowerCase();

  /** Turn a table into samples by track; every fault is told with its row. */
  function samplesOf(rows, kind) {
    const faults = [];
    const head = rows[0] || [];
    const find = (key) => head.findIndex((h) => heads(key).some((w) => same(w, h)));
    const [idAt, nameAt, trackAt] = [find("id"), find("name"), find("track")];
    const columns = M.tracks.map((t, k) => M.indices[k].leaves.map((leaf) => {
      const own = head.findIndex((h) => same(h, t.codes[leaf]));
      if (own >= 0) return own;
      const { zh, en } = t.names[leaf];
      return head.findIndex((h) => same(h, zh) || same(h, en));
    }));
    const fresh = M.tracks.map(() => ({ ids: [], labels: [], values: [] }));
    if (idAt < 0) faults.push(M.fill("no_column", { name: M.words("heads_id").split(",")[0] }));
    if (trackAt < 0 && M.tracks.length > 1) faults.push(M.fill("no_column", { name: M.words("heads_track").split(",")[0] }));
    if (!faults.length) rows.slice(1).forEach((row, r) => readRow(row, r + 2));
    function readRow(row, line) {
      const word = trackAt < 0 ? M.tracks[0].code : row[trackAt] || "";
      const k = M.tracks.findIndex((t) => [t.code, t.name.zh, t.name.en].some((w) => same(w, word)));
      if (k < 0) { faults.push(M.fill("no_track", { line, value: word })); return; }
      const values = new Float64Array(columns[k].length).fill(NaN);
      columns[k].forEach((c, l) => {
        const text = c < 0 ? "" : (row[c] ?? "").trim();
        if (text === "") return;
        const value = Number(text);
        if (!fits(M.tracks[k].items[l], value, kind)) {
          faults.push(M.fill("bad_value", { line, column: M.tracks[k].codes[M.indices[k].leaves[l]], value: text }));
        } else values[l] = value;
      });
      fresh[k].ids.push((row[idAt] || "").trim());
      fresh[k].labels.push((nameAt < 0 ? "" : (row[nameAt] || "").trim()) || (row[idAt] || "").trim());
      fresh[k].values.push(values);
    }
    // Unanswered items are drawn by calib only, not in the page.
    const refused = ["error", "impute"].includes(M.data.options.missing);
    columns.forEach((own, k) => {
      const lacking = own.flatMap((c, l) => (c < 0 ? [M.tracks[k].codes[M.indices[k].leaves[l]]] : []));
      if (fresh[k].ids.length && lacking.length && refused) {
        faults.push(M.fill("no_columns", { track: M.name(M.tracks[k].name), names: lacking.slice(0, 5).join(", "), n: lacking.length }));
      } else if (refused) {
        fresh[k].values.forEach((row, e) => {
          if (row.some(Number.isNaN)) faults.push(M.fill("unanswered", { id: fresh[k].ids[e] }));
        });
      }
    });
    if (!faults.length && !fresh.some((s) => s.ids.length)) faults.push(M.words("no_table"));
    if (faults.length) return { faults, samples: null, left: 0 };
    let left = 0;
    const samples = fresh.map(({ ids, labels, values }, k) => {
      const keep = Answers.ratable(M.indices[k], values, M.data.rule, M.data.options);
      left += keep.filter((x) => !x).length;
      const kept = values.filter((_, e) => keep[e]);
      const X = kind === "answers" ? Answers.score(M.tracks[k], kept, M.data.rule, M.data.options)
        : Answers.fillScores(M.tracks[k], kept, M.data.rule, M.data.options);
      return { ids: ids.filter((_, e) => keep[e]), labels: labels.filter((_, e) => keep[e]), X };
    });
    return { faults, samples, left };
  }
  function fits(item, value, kind) {
    if (!Number.isFinite(value)) return false;
    if (kind === "scores" || item === null) return value >= M.data.rule.low && value <= M.data.rule.high;
    if (item.kind === "number") return !item.span || (value >= item.span[0] && value <= item.span[1]);
    return Number.isInteger(value) && value >= (item.kind === "checklist" ? 0 : 1) && value <= item.options;
  }
  async function readTable(file) {
    return /\.xls[xm]$/i.test(file.name) ? parseXlsx(await file.arrayBuffer()) : parseCsv(await file.text());
  }

  // ---- my weights, and the state of the page -----------------------------------------------------
  const head = (schema) => ({
    schema, framework: M.data.framework.code, framework_version: M.data.framework.version,
    framework_digest: M.data.framework.digest, date: new Date().toISOString().slice(0, 10),
  });
  function opinion({ name, role, comment }) {
    const preset = M.presets.get(M.state.chosen.preset);
    const weights = {};
    const shared = new Set(M.data.framework.shared);
    for (const t of M.tracks) {
      t.codes.forEach((code, i) => {
        const value = M.state.chosen.weights[t.code][i];
        if (shared.has(code)) weights[code] = value;
        else { weights[t.code] = weights[t.code] || {}; weights[t.code][code] = value; }
      });
    }
    // Families that were left as they stood are no opinion of the reader's.
    const judged = M.families().flatMap((f) => {
      const [k, members] = f.at[0];
      const now = M.state.chosen.weights[M.tracks[k].code];
      const was = preset.local[M.tracks[k].code];
      const key = f.track === null ? "root" : `${M.tracks[k].code}/${f.parent < 0 ? "root" : M.tracks[k].codes[f.parent]}`;
      return members.some((i) => Math.abs(now[i] - was[i]) > 1e-12) ? [key] : [];
    });
    /** @type {Record<string, unknown>} */
    const out = { ...head("calib.opinion/1"), start: preset.name, start_digest: preset.digest, judged, weights };
    if (name) out.name = name;
    if (role) out.role = role;
    if (comment) out.comment = comment;
    return `${JSON.stringify(out, null, 1)}\n`;
  }
  const stateText = () => `${JSON.stringify({ ...head("calib.explorer/1"), state: M.difference(M.state.chosen) }, null, 1)}\n`;
  function readState(text) {
    const given = JSON.parse(text);
    if (given.schema !== "calib.explorer/1" || given.framework_digest !== M.data.framework.digest) throw new Error(M.words("other_state"));
    return M.fromDifference(given.state);
  }
  return { parseCsv, parseXlsx, samplesOf, readTable, opinion, stateText, readState };
})();
