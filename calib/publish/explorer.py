"""The weight explorer: one HTML page on which a reader moves the weights and watches the stars.

The page holds the scores, the weight sets and the rule, and rates in the browser by the engine of
the pages (:mod:`calib.publish.engine`), as :mod:`calib.rating` does. It loads nothing and sends
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.errors import InputError, unknown
from calib.figures import ink_on, star_colours
from calib.files.atomic import write_text
from calib.framework import Framework, Name
from calib.publish.engine import (
    asset,
    choices_data,
    engine_script,
    rule_data,
    score_rows,
    text_data,
    track_data,
)
from calib.rating import Scored, rate
from calib.report import options_in_words, page_tokens, rendered, script_hash
from calib.weights import WeightSet
from calib.words import Text, languages, message, resolve_language, say
from calib.words.catalogue import Template, templates

if TYPE_CHECKING:
    from calib.shifts import ShiftResult

__all__ = ["explorer_data", "explorer_page", "write_explorer"]

_TEXTS = "explorer."
"""Section of the catalogue with the texts of the page."""
_SCRIPTS = (
    "texts", "dom", "model", "toml", "work", "sliders", "rulebox", "results", "compare", "detail",
    "evidence", "files", "explorer",
)  # fmt: skip


def explorer_data(
    scored: Scored,
    sets: Mapping[str, WeightSet],
    *,
    baseline: str,
    lang: str | None = None,
    title: Text | None = None,
    footer: Sequence[Text] = (),
    shifts: Mapping[str, ShiftResult] | None = None,
) -> dict[str, Any]:
    """Return what the explorer page computes with.

    Parameters
    ----------
    scored : scores of the population under the rule options of the experiment
    sets : weight sets offered as starting points, by name
    baseline : name of the set that stars are compared with
    lang : language that the page opens in; the current one if None
    title : title of the page; a general one if None
    footer : lines of provenance at the foot of the page
    shifts : shifts of weights over years that the page can follow, by the name of their set

    Raises
    ------
    InputError
        When the baseline is none of the sets, a set is for another framework, or no enterprise
        is there.
    """
    framework = scored.framework
    if baseline not in sets:
        raise InputError(unknown("publish.no_baseline", baseline, sets))
    for name, weights in sets.items():
        if weights.framework.digest != framework.digest:
            raise InputError(message("publish.other_framework", name=repr(name)))
    if not len(scored):
        raise InputError(message("publish.no_enterprise"))
    lang = resolve_language(lang)
    head = title or message("publish.explorer_of", name=framework.name)
    names = set(shifts or {})
    offered = {
        n: w
        for n, w in sets.items()
        if n == baseline or n.partition("/")[0] not in names or n in names
    }
    rule = framework.rule
    colours = star_colours(rule.stars)
    return {
        "title": text_data(head),
        "language": lang,
        "texts": _texts(),
        "baseline": baseline,
        "synthetic": scored.synthetic,
        "framework": {
            "code": framework.code, "version": framework.version, "digest": framework.digest,
            "shared": list(framework.shared), "top": text_data(_top_level(framework)),
            "levels": [text_data(n) for _, n in framework.levels],
        },
        "rule": rule_data(rule),
        "options": {**scored.rule_options.as_dict(), "year": scored.rule_options.year},
        "choices": choices_data(framework),
        "valueNames": {code: text_data(n) for code, n in framework.levels},
        "colours": list(colours),
        "inks": [ink_on(c) for c in colours],
        "tracks": [
            {**track_data(t), **_enterprises(scored, code)} for code, t in framework.tracks.items()
        ],
        "presets": [
            {"name": name, "label": text_data(w.label), "digest": w.digest, "local": _local(w)}
            for name, w in offered.items()
        ],
        "paths": [_path(name, shift) for name, shift in (shifts or {}).items()],
        "check": _check(scored, offered),
        "footer": [text_data(n) for n in (*footer, *_provenance(scored))],
    }  # fmt: skip


def _texts() -> dict[str, dict[str, Template]]:
    """Return the page's own texts in every language; the page fills their placeholders."""
    return {
        key.removeprefix(_TEXTS): {each: templates(each)[key] for each in languages()}
        for key in templates("en")
        if key.startswith(_TEXTS)
    }


def _top_level(framework: Framework) -> Name:
    return framework.levels[0][1] if framework.levels else framework.name


def _local(weights: WeightSet) -> dict[str, list[float]]:
    return {t: [float(x) for x in v] for t, v in weights.local.items()}


def _enterprises(scored: Scored, track: str) -> dict[str, Any]:
    """Return the enterprises of a track; one without any is there, so that weights are whole."""
    if track not in scored.samples:
        return {"ids": [], "labels": [], "X": []}
    sample = scored.samples[track]
    return {
        "ids": [str(i) for i in sample.ids],
        "labels": [str(n) or str(i) for i, n in zip(sample.ids, sample.names, strict=True)],
        "X": score_rows(sample.X),
    }


def _path(name: str, shift: ShiftResult) -> dict[str, Any]:
    years = [int(y) for y in shift.years]
    return {
        "name": name, "label": text_data(shift.weights.label), "years": years,
        "local": [_local(shift.path.at(year, name)) for year in years],
    }  # fmt: skip


def _check(scored: Scored, sets: Mapping[str, WeightSet]) -> list[dict[str, Any]]:
    """Return what Python gives for each set, for the page to compare itself with."""
    out = []
    for name, weights in sets.items():
        try:
            rating = rate(weights, scored)
        except InputError:  # an enterprise without an answer that counts: nothing to compare with
            continue
        tracks: list[dict[str, Any]] = []
        for t in scored.framework.tracks:
            if t in rating.samples:
                s = rating.samples[t]
                counts = np.bincount(s.star, minlength=scored.framework.rule.stars)
                tracks.append({"counts": counts.tolist(), "total": float(s.total.sum())})
            else:
                tracks.append({"counts": [0] * scored.framework.rule.stars, "total": 0.0})
        out.append({"name": name, "tracks": tracks})
    return out


def _provenance(scored: Scored) -> list[Text]:
    from calib import __version__

    fw = scored.framework
    chosen = options_in_words(scored.rule_options.as_dict())
    return [
        message("publish.foot_framework", code=fw.code, version=fw.version, digest=fw.digest),
        message("publish.foot_enterprises", label=scored.label, digest=scored.digest),
        message("publish.foot_rule", rule_options=chosen),
        *scored.notes,
        Name(f"calib {__version__}", f"calib {__version__}"),
    ]


def embed_json(data: Any) -> str:
    """Return JSON that can stand inside a ``<script>`` element whatever it says."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def explorer_page(
    scored: Scored,
    sets: Mapping[str, WeightSet],
    *,
    baseline: str,
    lang: str | None = None,
    title: Text | None = None,
    footer: Sequence[Text] = (),
    shifts: Mapping[str, ShiftResult] | None = None,
) -> str:
    """Return the explorer as one self-contained HTML page; see :func:`explorer_data`.

    Notes
    -----
    Scripts run only if their digest is the one in the page's content security policy, so a name
    in the data can never run as code; the page cannot open any connection.
    """
    from markupsafe import Markup, escape

    lang = resolve_language(lang)
    data = explorer_data(
        scored, sets, baseline=baseline, lang=lang, title=title, footer=footer,
        shifts=shifts,
    )  # fmt: skip
    script = "\n".join(asset(f"explorer/{name}.js") for name in _SCRIPTS)
    script, engine = f"\n{script}\n", f"\n{engine_script()}\n"
    values = {
        "language_tag": Markup("zh-CN" if lang == "zh" else "en"),
        "script_hash": Markup(f"{script_hash(engine)} {script_hash(script)}"),
        "title": escape(data["title"][lang]),
        "no_script": " ".join(say("publish.no_script", each) for each in languages()),
        "style": Markup(f"{page_tokens()}\n{asset('explorer/explorer.css')}"),
        "data": Markup(embed_json(data)),
        "engine": Markup(engine),
        "script": Markup(script),
    }
    return rendered("calib.publish", "assets/explorer/explorer.html", **values)


def write_explorer(path: str | Path, page: str) -> Path:
    """Write the page in one step."""
    write_text(path, page)
    return Path(path)
