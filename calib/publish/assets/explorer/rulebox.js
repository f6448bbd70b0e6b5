"use strict";
// The rule as controls: its options, and every band, gate and cap in force as a number.
const RuleBox = (() => {
  const { $, make, options } = Dom;
  const M = Model;

  // The numbers in force, in words: what each is, and its group.
  function titles(place) {
    const { rule } = M.data;
    const star = M.name(rule.labels[place.step]);
    const trackName = (t) => M.name((M.tracks.find((x) => x.code === t) || { name: { zh: t, en: t } }).name);
    const named = (code) => M.name(nodeName(code));
    if (place.kind === "band") return [star, [M.words("bands"), place.tracks.map(trackName).join(", ")].filter(Boolean).join(" · ")];
    if (place.kind === "gate") return [star, M.words("gate_values")];
    if (place.kind === "nodeGate") return [star, `${M.words("gate_at")} ${place.node ? named(place.node) : place.level}`];
    return [`${named(place.node)} ${M.words(`when_${place.when}`)}`, M.fill("cap_at", { star })];
  }
  function nodeName(code) {
    for (const [k, t] of M.tracks.entries()) {
      const i = M.indices[k].at.get(code);
      if (i !== undefined) return t.names[i];
    }
    return { zh: code, en: code };
  }
  const at = (path) => Places.at(M.data.rule, path);

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
    const codes = M.tracks.map((t) => t.code);
    for (const place of Places.inForce(M.data.rule, M.state.chosen.options, codes)) {
      const { path } = place;
      const [title, group] = titles(place);
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
        if (input.value === "" || Number.isNaN(Number(input.value)) || !Places.rises(M.data.rule, M.state.chosen.edits, path, Number(input.value))) {
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

  return { build, nodeName };
})();
