"""The equal-importance report in plain sentences, the verdict first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calib.ballots.equivalence import LARGEST_MARGIN, Equivalence
from calib.words import Message, Text, joined, message

if TYPE_CHECKING:
    from calib.ballots.equality_report import EqualityReport

__all__ = ["equality_sentences", "listing", "verdict_name"]

Names = Mapping[str, Text | str]
_SHOWN = 6


def verdict_name(verdict: str) -> Message:
    """Return a verdict in words."""
    return message(f"ballots.verdicts.{verdict}")


def listing(codes: Sequence[str], names: Names) -> Text:
    """Return the names of the first few items, and how many more there are."""
    shown = joined([names.get(code, code) for code in codes[:_SHOWN]])
    more = len(codes) - _SHOWN
    return message("ballots.and_more", listed=shown, more=more) if more > 0 else shown


def equality_sentences(report: EqualityReport, names: Names | None = None) -> tuple[Message, ...]:
    """Say what the report found, the verdict first.

    Parameters
    ----------
    report : the report
    names : item and group names as shown, by code; codes are shown where there is none

    Notes
    -----
    Only the equivalence verdict may say "equal"; a test that does not reject is reported as
    what it is, the absence of shown differences, with the difference it could have missed.
    """
    shown = dict(report.names if names is None else names)
    found = [
        _verdict(report, shown),
        _no_maximum(report, shown),
        _other_measure(report),
        _test(report),
        _size(report),
        _items(report, shown),
        _detectable(report),
        _power(report),
        *_margin(report),
        _groups(report, shown),
        _stages(report),
    ]
    return tuple(s for s in found if s is not None)


def _verdict(r: EqualityReport, names: Names) -> Message:
    v = r.equivalence
    key = v.verdict if v.verdict in ("equal", "unequal") else "open"
    if key == "equal" and v.differences_shown:
        key = "equal_but_shown"
    return message(
        f"ballots.verdict.{key}",
        verdict=verdict_name(v.verdict),
        measure=_measure(v),
        items=len(r.items),
        outside=len(v.outside),
        open=len(v.open),
        low=v.band[0],
        high=v.band[1],
        listed=listing([r.items[j] for j in v.outside], names),
    )


def _measure(v: Equivalence) -> Message:
    return message(f"ballots.measures.{v.measure}")


def _no_maximum(r: EqualityReport, names: Names) -> Message | None:
    if r.equivalence.finite:
        return None
    w = r.unshrunken
    if w.never:
        why = message("ballots.why.never", listed=listing(w.never, names))
    elif w.above:
        first, last = listing(w.above, names), listing(w.below, names)
        why = message("ballots.why.separated", above=first, below=last)
    else:
        why = message("ballots.why.diverges")
    return message("ballots.no_maximum", why=why)


def _other_measure(r: EqualityReport) -> Message | None:
    """Say why the other measure's verdict, where it differs, is not the answer."""
    v = r.equivalence
    other = r.by_worth if v.measure == "share" else r.by_share
    if other is None or other.verdict == v.verdict:
        return None
    return message(
        f"ballots.other_measure.{v.measure}",
        measure=_measure(other),
        verdict=verdict_name(other.verdict),
    )


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}" if p < 0.01 else f"= {p:.2f}"


def _test(r: EqualityReport) -> Message:
    t = r.tests.main
    return message(
        f"ballots.test.{'rejects' if t.p < r.alpha else 'does_not_reject'}",
        test=message(f"ballots.tests.{t.name}"),
        statistic=t.statistic,
        df=t.df,
        p=_p(t.p),
        how="" if t.p_monte_carlo is None else message("ballots.by_simulation"),
    )


def _size(r: EqualityReport) -> Message:
    e = r.effects
    agreement = "" if e.agreement is None else message("ballots.agreement", W=e.agreement)
    return message(
        "ballots.size",
        sigma=e.sigma,
        low=e.sigma_interval[0],
        high=e.sigma_interval[1],
        ratio=e.worth_ratio,
        agreement=agreement,
    )


def _items(r: EqualityReport, names: Names) -> Message | None:
    if r.residuals is None:
        return None
    differs = r.residuals.differs(r.alpha)
    order = np.argsort(-np.abs(r.residuals.z), kind="stable")
    above = [r.items[j] for j in order if differs[j] and r.residuals.z[j] > 0]
    below = [r.items[j] for j in order if differs[j] and r.residuals.z[j] < 0]
    if not above and not below:
        return message("ballots.no_item_differs")
    parts = [message("ballots.picked_more", listed=listing(above, names))] if above else []
    parts += [message("ballots.picked_less", listed=listing(below, names))] if below else []
    return message("ballots.items_differ", parts=joined(parts, message("words.semicolon")))


def _detectable(r: EqualityReport) -> Message:
    d = r.detectable
    share = "" if d.share is None else message("ballots.detectable_share", points=100 * d.share)
    return message(
        "ballots.detectable",
        ballots=r.n,
        effective=r.size,
        sigma=d.sigma,
        share=share,
        power=d.power,
    )


def _power(r: EqualityReport) -> Message:
    found = r.power
    shown = r.tests.main.p < r.alpha
    key = "shown" if shown else "weak" if found.power < found.wanted else "strong"
    needed: Message | str = ""
    if not shown and found.power < found.wanted and found.needed is not None:
        needed = message("ballots.power.needed", ballots=found.needed, wanted=found.wanted)
    return message(
        f"ballots.power.{key}", spread=found.spread, ratio=found.ratio, power=found.power,
        needed=needed,
    )  # fmt: skip


def _margin(r: EqualityReport) -> list[Message]:
    v = r.equivalence
    said = [message("ballots.margin.declared", margin=v.margin)]
    if v.smallest_margin < LARGEST_MARGIN:
        said.append(message("ballots.margin.smallest", margin=v.smallest_margin))
    else:
        said.append(message("ballots.margin.none", margin=LARGEST_MARGIN))
    if v.ballots_needed and v.verdict != "equal":
        said.append(message("ballots.margin.needed", ballots=v.ballots_needed))
    return said


def _groups(r: EqualityReport, names: Names) -> Message | None:
    g = r.groups
    if g is None:
        return None
    order = np.argsort(g.group_p, kind="stable")
    hit = [r.group_names[j] for j in order if g.group_p_holm[j] < r.alpha]
    found = (
        message("ballots.groups_differ", listed=listing(hit, names))
        if hit
        else message("ballots.no_group_differs")
    )
    return message("ballots.groups", statistic=g.statistic, df=g.df, p=_p(g.p), found=found)


def _stages(r: EqualityReport) -> Message | None:
    s = r.stages
    if s.stages < 2:
        return None
    if not s.df:
        return message("ballots.stages.none")
    return message("ballots.stages.differ", p=_p(s.p)) if s.p < r.alpha else None
