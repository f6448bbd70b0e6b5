"use strict";
// A weight set as the TOML file that calib reads.
const Toml = (() => {
  function quote(text) {
    const plain = String(text).replace(/\\/g, "\\\\").replace(/"/g, '\\"');
    return '"' + plain.replace(/[\u0000-\u001f\u007f]/g,
      (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")) + '"';
  }

  // The shortest digits that read back as the same number, always as a float.
  function number(value) {
    const text = String(value);
    return /[.e]/.test(text) ? text : text + ".0";
  }

  function comment(text) {
    return text.replace(/[\u0000-\u001f\u007f]/g, " ");
  }

  function write(data, weights, about) {
    const lines = [
      'schema = "calib.weights/1"',
      `framework = ${quote(data.framework.code)}`,
      `framework_version = ${quote(data.framework.version)}`,
      `name = ${quote(about.name)}`,
      `label = { zh = ${quote(about.name)}, en = ${quote(about.name)} }`,
      "", "[provenance]", 'source = "explorer"', `detail = ${quote(about.detail)}`,
      `date = ${quote(about.date)}`, "[provenance.inputs]",
    ];
    for (const [name, digest] of about.inputs) lines.push(`${quote(name)} = ${quote(digest)}`);
    lines.push("", "# Local weights: siblings sum to 1.", "[weights]");
    const shared = new Set(data.framework.shared);
    const done = new Set();
    const entry = (track, i) => {
      const { zh, en } = track.names[i];
      const value = number(weights[track.code][i]);
      return `${quote(track.codes[i])} = ${value}  # ${comment(`${zh} ${en}`)}`;
    };
    for (const track of data.tracks) {
      track.codes.forEach((code, i) => {
        if (!shared.has(code) || done.has(code)) return;
        done.add(code);
        lines.push(entry(track, i));
      });
    }
    for (const track of data.tracks) {
      lines.push("", `[weights.${quote(track.code)}]`);
      track.codes.forEach((code, i) => { if (!shared.has(code)) lines.push(entry(track, i)); });
    }
    return lines.join("\n") + "\n";
  }

  return { write };
})();
