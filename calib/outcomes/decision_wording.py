"""How numbers and names are written on the page for the committee."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calib.words import Text, joined, message

__all__ = [
    "either",
    "in_language",
    "score_change",
    "shown_weight",
    "signed_points",
    "span",
    "whole",
    "with_stop",
]


def whole(low: float, high: float) -> tuple[str, str]:
    """Return the ends of an interval of a count as whole numbers, rounded outwards."""
    return f"{np.floor(low + 1e-9):.0f}", f"{np.ceil(high - 1e-9):.0f}"


def span(low: float, high: float) -> Text | str:
    """Return an interval of a count in words, as one number where its ends are the same."""
    least, most = whole(low, high)
    if least == most:
        return least
    return message("outcomes.decision.page.range", low=least, high=most)


def either(every: Sequence[Text]) -> Text:
    """Return names with an "or" before the last."""
    if len(every) < 2:
        return joined(every)
    return joined([joined(every[:-1]), every[-1]], message("outcomes.decision.page.or"))


def shown_weight(value: float) -> str:
    """Return a weight with three decimals, or with two where these are all."""
    shown = f"{value:.3f}"
    return shown.removesuffix("0")


def signed_points(value: float) -> str:
    """Return percentage points with their sign."""
    return f"{value:+.1f}".replace("-", "−")


def score_change(old: float, new: float) -> str:
    """Return two scores with as many decimals as it takes to tell them apart, one at least."""
    digits = next((d for d in (1, 2, 3) if f"{old:.{d}f}" != f"{new:.{d}f}"), 3)
    return f"{old:.{digits}f} → {new:.{digits}f}".replace("-", "−")


def in_language(what: Text | str, lang: str) -> str:
    """Return a name in a language, where it has one in each."""
    return what if isinstance(what, str) else what.get(lang)


def with_stop(text: str, lang: str) -> str:
    """Return a caveat with its full stop."""
    return text if text.endswith((".", "。")) else text + ("。" if lang == "zh" else ".")
