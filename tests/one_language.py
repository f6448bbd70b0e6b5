"""Which words of a run are not in the language that it is shown in."""

from __future__ import annotations

import re
from pathlib import Path

from calib.framework import RULE_OPTIONS
from calib.report import shown_cells, shown_headings

NAMES_OF_METHODS = {
    "aitchison", "kendall", "cohen", "wilson", "bowker", "stuart", "maxwell", "holm", "shapley",
    "hodges", "lehmann", "dirichlet", "logistic", "kkt", "toml", "csv", "calib", "synthetic",
}  # fmt: skip
"""Words that are the same in every language."""


def _own_words(run):
    """Names that the data state: sets, files, enterprises, codes, values of options."""
    known = list(run.sets) + [str(Path(n)) for n in run.inputs] + [run.context.scored.label]
    for sample in run.context.scored.samples.values():
        known += [*map(str, sample.ids), *map(str, sample.names)]
        known += [*sample.track.codes, sample.track.code]
    for option in RULE_OPTIONS:
        known += [option.key, *option.values]
    known += [code for code, _ in run.experiment.framework.levels]
    known += [part for w in run.sets.values() for part in (w.name, w.provenance.detail)]
    for params in run.experiment.outcomes.values():
        known += list(getattr(params, "cases", None) or ())
    return sorted({k for k in known if k}, key=len, reverse=True)


def foreign_words(run, lang):
    """Return texts of a run's sections, as a reader of a language sees them, with foreign words."""
    names = run.experiment.framework.names
    texts = []
    for section in run.sections:
        texts += [n.get(lang) for n in section.notes]
        texts += [d.title.get(lang) for d in section.drawings]
        for table in section.tables:
            if table.rows:
                texts.append(table.title.get(lang))
                texts += [h["text"] for h in shown_headings(table, lang, names)]
                texts += [c["text"] for row in shown_cells(table, lang, names) for c in row]
    own = _own_words(run)
    return {t for t in dict.fromkeys(texts) if _foreign(t, own, lang)}


def _foreign(text, own, lang):
    for name in own:
        text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", " ", text)
    if lang == "en":
        return bool(re.search(r"[\u3400-\u9fff]", text))
    text = re.sub(r"\b[0-9a-f]{12}\b", " ", text)  # digests
    words = re.findall(r"[A-Za-z]{4,}", text)
    return any(w.lower() not in NAMES_OF_METHODS for w in words)
