"use strict";
// The rule as controls: its options, and every band, gate and cap in force as a number.
const RuleBox = (() => {
  const { $, make, options } = Dom;
  const M = Model;

  // The numbers in force: [place in the rule, what it is, group].
  function inForce() {
    const rule = M.data.rule;
    const chosen = M.state.chosen.options;
    const out = [];
    const star = (k) => M.name(rule.labels[k + 1]);
    const holds = (s) => (!s.years.length || s.years.includes(chosen.year));
    const where = (s) => s.tracks.map((t) => M.name((M.tracks.find((x) => x.code === t) || { name: { zh: t, en: t } }).name)).join(", ");
    const everywhere = M.tracks.every((t) => rule.variants.some((v) => holds(v) && (!v.tracks.length || v.tracks.includes(t.code))));
    if (!everywhere) rule.bands.forEach((_, k) => out.push([`bands.${k}`, star(k), M.words("bands")]));
    rule.variants.forEach((v, i) => {
      if (holds(v)) v.bands.forEach((_, k) => out.push([`variants.${i}.bands.${k}`, star(k), [M.words("bands"), where(v)].filter(Boolean).join(" · ")]));
    });
    const table = chosen.gate_value;
    if (rule.gates[table]) rule.gates[table].values.forEach((_, k) => out.push([`gates.${table}.values.${k}`, star(k), M.words("gate_values")]));
    const named = (code) => M.name(nodeName(code));
    rule.nodeGates.forEach((g, i) => {
      if (holds(g)) g.values.forEach((_, k) => out.push([`nodeGates.${i}.values.${k}`, star(k), `${M.words("gate_at")} ${g.node ? named(g.node) : g.level}`]));
    });
    const conditions = (when, path, group) => {
      if (when.node) out.push([`${path}.value`, `${named(when.node)} ${M.words(`when_${when.kind}`)}`, group]);
      when.parts.forEach((p, i) => conditions(p, `${path}.parts.${i}`, group));
    };
    rule.caps.forEach((c, i) => {
      if (holds(c)) conditions(c.when, `caps.${i}.when`, M.fill("cap_at", { star: M.name(rule.labels[c.top]) }));
    });
    return out;
  }
  function nodeName(code) {
    for (const [k, t] of M.tracks.entries()) {
      const i = M.indices[k].at.get(code);
      if (i !== undefined) return t.names[i];
    }
    return { zh: code, en: code };
  }
  const at = (path) => path.split(".").reduce((a, key) => (a === undefined ? a : a[key]), M.data.rule);

  function build(changed) {
    const box = $("rule-options");
    box.replaceChildren();
    for (const [key, values] of Object.entries(M.data.choices)) {
      const label = make("label", M.words(`option_${key}`));
      const select = make("select");
      select.id = `option-${key}`;
      options(select, values.map((v) => [v, optionWord(v)]), M.state.chosen.options[key]);
      select.addEventListener("change", () => {
        M.state.chosen.options[key] = select.value;
        M.commit();
        changed(true);
      });
      label.append(select);
      box.append(label);
    }
    const numbers = $("rule-numbers");
    numbers.replaceChildren();
    const groups = new Map();
    for (const [path, title, group] of inForce()) {
      if (!groups.has(group)) {
        const set = make("fieldset");
        set.append(make("legend", group));
        groups.set(group, set);
        numbers.append(set);
      }
      const label = make("label", title, "threshold");
      const input = make("input");
      input.type = "number";
      input.step = "any";
      input.dataset.path = path;
      input.value = String(M.state.chosen.edits[path] ?? at(path));
      input.setAttribute("aria-label", `${group}: ${title}`);
      input.addEventListener("input", () => {
        if (input.value === "" || Number.isNaN(Number(input.value)) || !rises(path, Number(input.value))) {
          input.setAttribute("aria-invalid", "true");
          return;
        }
        input.removeAttribute("aria-invalid");
        if (Number(input.value) === at(path)) delete M.state.chosen.edits[path];
        else M.state.chosen.edits[path] = Number(input.value);
        changed(false);
      });
      input.addEventListener("change", () => { M.commit(); changed(false); });
      label.append(input);
      groups.get(group).append(label);
    }
    $("rule-reset").disabled = !Object.keys(M.state.chosen.edits).length;
  }
  const optionWord = (value) => (`value_${value}` in M.data.texts ? M.words(`value_${value}`) : M.data.valueNames[value] ? M.name(M.data.valueNames[value]) : value);

  // Bands rise strictly, gates do not fall.
  function rises(path, value) {
    const found = /^(.*(?:bands|values))\.(\d+)$/.exec(path);
    if (!found) return true;
    const k = Number(found[2]);
    const list = at(found[1]).map((v, j) => (j === k ? value : M.state.chosen.edits[`${found[1]}.${j}`] ?? v));
    const strict = found[1].endsWith("bands");
    return list.every((v, j) => j === 0 || (strict ? v > list[j - 1] : v >= list[j - 1]));
  }

  return { build, nodeName };
})();
