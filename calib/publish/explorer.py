"""The weight explorer: one HTML page on which a reader moves the weights and watches the stars.

The page holds the scores, the weight sets and the effective thresholds, and rates in the browser
by the same rule as :mod:`calib.rating`. It loads nothing and sends nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from calib.errors import InputError, unknown
from calib.figures import ink_on, star_colours
from calib.files.atomic import write_text
from calib.framework import Framework, Name
from calib.rating import Scored, ScoredSample
from calib.report import page_tokens, script_hash
from calib.weights import WeightSet
from calib.words import Text, languages, message, resolve_language, say
from calib.words.catalogue import Template, templates

__all__ = ["explorer_data", "explorer_page", "write_explorer"]

_TEXTS = "explorer."
"""Section of the catalogue with the texts of the page."""
_SCRIPTS = ("texts.js", "rule.js", "toml.js", "explorer.js")


def explorer_data(
    scored: Scored,
    sets: Mapping[str, WeightSet],
    *,
    baseline: str,
    language: str = "zh",
    title: Text | None = None,
    footer: Sequence[Text] = (),
) -> dict[str, Any]:
    """Return what the explorer page computes with.

    Parameters
    ----------
    scored : scores of the population under the rule options of the experiment
    sets : weight sets offered as starting points, by name
    baseline : name of the set that stars are compared with
    language : language that the page opens in, ``zh`` or ``en``
    title : title of the page; a general one if None
    footer : lines of provenance at the foot of the page

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
    resolve_language(language)
    head = title or message("publish.explorer_of", name=framework.name)
    return {
        "title": _name(head),
        "language": language,
        "texts": _texts(),
        "baseline": baseline,
        "synthetic": scored.synthetic,
        "framework": {
            "code": framework.code, "version": framework.version,
            "shared": list(framework.shared), "top": _name(_top_level(framework)),
        },
        "rule": _rule(scored),
        "tracks": [_track(s, scored) for s in scored.samples.values()]
        + [_empty_track(t, framework) for t in framework.tracks if t not in scored.samples],
        "presets": [
            {
                "name": name, "label": _name(w.label), "digest": w.digest,
                "local": {t: [float(x) for x in v] for t, v in w.local.items()},
            }
            for name, w in sets.items()
        ],
        "footer": [_name(n) for n in (*footer, *_provenance(scored))],
    }  # fmt: skip


def _texts() -> dict[str, dict[str, Template]]:
    """Return the page's own texts in every language; the page fills their placeholders."""
    return {
        key.removeprefix(_TEXTS): {lang: templates(lang)[key] for lang in languages()}
        for key in templates("en")
        if key.startswith(_TEXTS)
    }


def _name(name: Text) -> dict[str, str]:
    return {lang: name.get(lang) for lang in languages()}


def _top_level(framework: Framework) -> Name:
    return framework.levels[0][1] if framework.levels else framework.name


def _rule(scored: Scored) -> dict[str, Any]:
    rule = scored.framework.rule
    thresholds = rule.thresholds(scored.rule_options)
    colours = star_colours(rule.stars)
    return {
        "labels": [_name(n) for n in rule.labels],
        "band": [float(b) for b in thresholds.band],
        # JSON has no infinity: null is a gate that everything passes.
        "gate": [float(g) if np.isfinite(g) else None for g in thresholds.gate],
        "oneStar": bool(thresholds.one_star),
        "colours": list(colours),
        "inks": [ink_on(c) for c in colours],
    }


def _track(sample: ScoredSample, scored: Scored) -> dict[str, Any]:
    thresholds = scored.framework.rule.thresholds(scored.rule_options)
    track = sample.track
    return {
        "code": track.code,
        "name": _name(track.name),
        "codes": list(track.codes),
        "names": [_name(n.name) for n in track.nodes],
        "parent": [int(p) for p in track.parent],
        "depth": [int(d) for d in track.depth],
        "gated": [int(g) for g in track.at_depth(thresholds.gate_depth)],
        "ids": [str(i) for i in sample.ids],
        "labels": [str(n) or str(i) for i, n in zip(sample.ids, sample.names, strict=True)],
        "X": [[_number(x) for x in row] for row in sample.X],
    }  # fmt: skip


def _empty_track(code: str, framework: Framework) -> dict[str, Any]:
    """Return a track without enterprises, so that exported weights are whole."""
    track = framework.tracks[code]
    empty = np.array([], dtype=object)
    sample = ScoredSample(track, empty, empty, np.zeros((0, len(track.leaves))), {})
    scored = Scored(framework, framework.rule.defaults, {}, "", False, "")
    return _track(sample, scored)


def _number(value: float) -> float | int | None:
    if np.isnan(value):
        return None
    return int(value) if float(value).is_integer() else float(value)


def _provenance(scored: Scored) -> list[Text]:
    from calib import __version__

    fw = scored.framework
    rule_options = ", ".join(f"{k} = {v}" for k, v in scored.rule_options.as_dict().items())
    return [
        message("publish.foot_framework", code=fw.code, version=fw.version, digest=fw.digest),
        message("publish.foot_enterprises", label=scored.label, digest=scored.digest),
        message("publish.foot_rule", rule_options=rule_options),
        *scored.notes,
        Name(f"calib {__version__}", f"calib {__version__}"),
    ]


def _asset(name: str) -> str:
    return resources.files("calib.publish.assets").joinpath(name).read_text(encoding="utf-8")


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
    language: str = "zh",
    title: Text | None = None,
    footer: Sequence[Text] = (),
) -> str:
    """Return the explorer as one self-contained HTML page; see :func:`explorer_data`.

    Notes
    -----
    Scripts run only if their digest is the one in the page's content security policy, so a name
    in the data can never run as code; the page cannot open any connection.
    """
    from markupsafe import Markup, escape

    data = explorer_data(
        scored, sets, baseline=baseline, language=language, title=title, footer=footer
    )
    script = "\n".join(_asset(s) for s in _SCRIPTS)
    values = {
        "language_tag": Markup("zh-CN" if language == "zh" else "en"),
        "script_hash": Markup(script_hash(f"\n{script}\n")),
        "title": escape(data["title"][language]),
        "no_script": " ".join(say("publish.no_script", lang) for lang in languages()),
        "style": Markup(f"{page_tokens()}\n{_asset('explorer.css')}"),
        "data": Markup(embed_json(data)),
        "script": Markup(f"\n{script}\n"),
    }
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True
    )
    return environment.from_string(_asset("explorer.html")).render(values)


def write_explorer(path: str | Path, page: str) -> Path:
    """Write the page in one step."""
    write_text(path, page)
    return Path(path)
