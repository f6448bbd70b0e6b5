"""Rules of adoption: each with a name, a threshold, what was found, and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field, StrictBool, StrictInt

from calib.outcomes.decision_facts import Facts, Shape
from calib.requests import Request
from calib.words import Text, joined, message

if TYPE_CHECKING:
    from calib.framework import Framework

__all__ = ["AdoptionRules", "Ruling", "judge", "largest_step", "placed", "some"]

Verdict = Literal["met", "not_met", "cannot_know"]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)] | Literal[False]
"""A threshold from 0 to 1, or false for no such rule."""


class AdoptionRules(Request):
    """Rules by which a proposed set is adopted; false in place of a threshold drops a rule."""

    stars_moved: Share = Field(
        0.25, description="largest share of enterprises whose star may change"
    )
    sure_stars: Share = Field(0.8, description="least share of enterprises whose star is sure")
    sure_p: Annotated[float, Field(gt=0, le=1)] = Field(
        0.8, description="least probability for a star to be called sure"
    )
    keep_order: StrictBool = Field(
        True, description="no two siblings change their order of importance"
    )
    allow_reversed: tuple[str, ...] = Field(
        (), description='parents whose children may change order, "" for the first level'
    )
    least_kept: Share = Field(
        0.25, description="no weight falls under this fraction of its current value"
    )
    effective: Share = Field(
        0.9,
        description="the effective number of nodes, at every level, stays above this fraction of "
        "the current one",
    )
    outside: Annotated[StrictInt, Field(ge=1)] | Literal[False] = Field(
        1,
        description="least number of current weights that the evidence contradicts, all of them "
        "looked at together",
    )
    out_of_sample: Annotated[float, Field(ge=-1, le=1)] | Literal[False] = Field(
        0.0,
        description="caps hold on enterprises left out at least as much more often, as a share of "
        "refits, than before adjusting; asked of adjusted weights",
    )
    own_verdict: StrictBool = Field(
        True,
        description="the method that made the weights recommends them itself; asked of adjusted "
        "weights",
    )
    consensus: Share = Field(
        0.5,
        description="least agreement of experts, Kendall's W, at the node where it is lowest; "
        "asked where there is a panel",
    )
    samples: Share = Field(
        0.9,
        description="least share of the samples of an ensemble in which stars_moved holds",
    )


@dataclass(frozen=True, eq=False)
class Ruling:
    """One rule, and what was found.

    Attributes
    ----------
    name : of the rule
    threshold, value : what it asks for and what was found, as numbers; NaN where not known
    asked, found : the same in words
    verdict : "met", "not_met" or "cannot_know"
    p_met : share of draws in which it is met; NaN where it is not about draws
    remedy : what would settle the rule, for those that ask for evidence
    slack : how far the value is from failing, relative to the threshold; negative where it fails
    """

    name: str
    threshold: float
    value: float
    asked: Text
    found: Text
    verdict: Verdict
    p_met: float = float("nan")
    remedy: Text | None = None
    slack: float = float("nan")

    @property
    def title(self) -> Text:
        """The name in words."""
        return message(f"outcomes.decision.rule.{self.name}")

    @property
    def about_evidence(self) -> bool:
        """Whether more evidence could settle it; else it is about the proposal itself."""
        return self.name in _EVIDENCE

    @property
    def of_steps(self) -> bool:
        """Whether it can be asked of a part of the way, without making the weights again."""
        return self.name in _OF_STEPS


_EVIDENCE = frozenset({"sure_stars", "outside", "consensus", "samples"})
_OF_STEPS = frozenset({"stars_moved", "keep_order", "least_kept", "effective"})


def percent(value: float) -> str:
    """Return a share in percent, without decimals where it is whole."""
    shown = round(100 * value, 1)
    return f"{shown:g}"


def placed(framework: Framework, track: str, code: str) -> Text:
    """Return the name of a node, with its track where each track has one of this name."""
    if track not in framework.tracks or len(framework.tracks) == 1:
        return framework.names[code]
    if sum(code in tree.index for tree in framework.tracks.values()) == 1:
        return framework.names[code]
    return message("outcomes.decision.placed", track=framework.tracks[track].name,
                   node=framework.names[code])  # fmt: skip


def some(every: Sequence[Text], most: int) -> Text:
    """Return names in a row, and of more than so many how many others there are."""
    if len(every) <= most + 1:
        return joined(every)
    return message("outcomes.decision.and_more", listed=joined(every[:most]), n=len(every) - most)


def judge(facts: Facts, rules: AdoptionRules) -> tuple[Ruling, ...]:
    """Return a ruling for every rule that applies."""
    every = (_stars_moved, _samples, _sure_stars, _outside, _keep_order, _least_kept, _effective,
             _out_of_sample, _own_verdict, _consensus)  # fmt: skip
    return tuple(r for rule in every for r in rule(facts, rules))


def largest_step(facts: Facts, rules: AdoptionRules) -> tuple[float, Facts] | None:
    """Return the largest share of the way to the proposed set at which no rule stands in the way.

    Only rules that can be asked of a part of the way are (:attr:`Ruling.of_steps`). With the share
    come the facts of that step; None where not even a small step meets the rules.
    """
    asked = (_stars_moved, _keep_order, _least_kept, _effective)
    for share in np.arange(0.95, 0.0, -0.05):
        part = facts.part_way(float(share))
        if all(r.verdict == "met" for rule in asked for r in rule(part, rules)):
            return float(share), part
    return None


def _verdict(met: bool) -> Verdict:
    return "met" if met else "not_met"


def _unknown(name: str, threshold: float, asked: Text, why: str, remedy: str = "") -> Ruling:
    found = message(f"outcomes.decision.unknown.{why}")
    settle = message(f"outcomes.decision.remedy.{remedy}") if remedy else None
    return Ruling(name, threshold, float("nan"), asked, found, "cannot_know", remedy=settle)


def _stars_moved(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    most = rules.stars_moved
    if most is False:
        return
    n, value = facts.enterprises, facts.moved / facts.enterprises
    asked = message("outcomes.decision.asked.at_most", share=percent(most))
    found = message("outcomes.decision.found.moved", n=facts.moved, size=n, share=percent(value))
    p = float("nan")
    if facts.moved_drawn is not None:
        p = float((facts.moved_drawn <= most * n + 1e-9).mean())
    met = value <= most + 1e-9
    yield Ruling("stars_moved", most, value, asked, found, _verdict(met), p,
                 slack=(most - value) / max(most, 1 / n))  # fmt: skip


def _samples(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    least, most = rules.samples, rules.stars_moved
    if least is False or most is False:
        return
    asked = message("outcomes.decision.asked.samples", share=percent(least))
    if not facts.samples:
        if "samples" in rules.model_fields_set:
            yield _unknown("samples", least, asked, "no_ensemble", "samples")
        return
    value = float((facts.moved_samples <= most * facts.enterprises + 1e-9).mean())
    found = message("outcomes.decision.found.samples", share=percent(value), n=len(facts.samples))
    yield Ruling(
        "samples", least, value, asked, found, _verdict(value >= least),
        remedy=message("outcomes.decision.remedy.samples"), slack=value - least,
    )  # fmt: skip


def _sure_stars(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    least = rules.sure_stars
    if least is False:
        return
    asked = message("outcomes.decision.asked.sure", share=percent(least), p=percent(rules.sure_p))
    if facts.sure is None:
        yield _unknown("sure_stars", least, asked, "decided", "decided")
        return
    sure = int((facts.sure >= rules.sure_p - 1e-9).sum())
    value = sure / facts.enterprises
    found = message("outcomes.decision.found.sure", n=sure, size=facts.enterprises,
                    share=percent(value))  # fmt: skip
    yield Ruling("sure_stars", least, value, asked, found, _verdict(value >= least - 1e-9),
                 remedy=message("outcomes.decision.remedy.sure"), slack=value - least)  # fmt: skip


def _outside(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    least = rules.outside
    if least is False:
        return
    asked = message("outcomes.decision.asked.outside", n=least)
    if not facts.estimated:
        yield _unknown("outside", least, asked, "decided", "decided")
        return
    told = facts.weights[facts.weights["outside"].notna()]
    count, alone = (int(told[c].astype(bool).sum()) for c in ("contradicted", "outside"))
    found = message("outcomes.decision.found.outside", n=count, of=len(told), alone=alone)
    yield Ruling("outside", least, count, asked, found, _verdict(count >= least),
                 remedy=message("outcomes.decision.remedy.outside"),
                 slack=(count - least) / least)  # fmt: skip


def _keep_order(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    if not rules.keep_order:
        return

    def counted(shape: Shape) -> int:
        return sum(pair[1] not in rules.allow_reversed for pair in shape.reversed)

    count = counted(facts.proposal)
    key = "asked.order_but" if rules.allow_reversed else "asked.order"
    asked = message(f"outcomes.decision.{key}", parents=list(rules.allow_reversed))
    found: Text = message("outcomes.decision.found.order_kept")
    if count:
        framework = facts.proposed.framework
        named = [message("outcomes.decision.found.pair", low=placed(framework, track, low),
                         high=framework.names[high])
                 for track, parent, high, low in facts.proposal.reversed
                 if parent not in rules.allow_reversed]  # fmt: skip
        pairs = some(named, 3)
        found = message("outcomes.decision.found.reversed", n=count, pairs=pairs)
    drawn = [counted(s) == 0 for s in facts.proposal_drawn]
    p = float(np.mean(drawn)) if drawn else float("nan")
    yield Ruling("keep_order", 0, count, asked, found, _verdict(count == 0), p,
                 slack=-float(count) if count else 1.0)  # fmt: skip


def _ratio(
    name: str, least: float | Literal[False], facts: Facts, of: Callable[[Shape], tuple[float, str]]
) -> Iterator[Ruling]:
    if least is False:
        return
    value, where = of(facts.proposal)
    names = facts.proposed.framework.names
    asked = message(f"outcomes.decision.asked.{name}", share=percent(least))
    found = message(f"outcomes.decision.found.{name}", share=percent(value),
                    where=names.get(where, where), code=where)  # fmt: skip
    drawn = [of(s)[0] >= least - 1e-9 for s in facts.proposal_drawn]
    p = float(np.mean(drawn)) if drawn else float("nan")
    yield Ruling(name, least, value, asked, found, _verdict(value >= least - 1e-9), p,
                 slack=value - least)  # fmt: skip


def _least_kept(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    yield from _ratio("least_kept", rules.least_kept, facts, lambda s: s.kept)


def _effective(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    yield from _ratio("effective", rules.effective, facts, lambda s: s.effective)


def _out_of_sample(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    least = rules.out_of_sample
    if least is False:
        return
    asked = message("outcomes.decision.asked.out_of_sample")
    if least:
        asked = message("outcomes.decision.asked.out_of_sample_by", share=percent(least))
    checks = facts.evidence.left_out
    if not checks:
        if "out_of_sample" in rules.model_fields_set:
            yield _unknown("out_of_sample", least, asked, "no_refits", "refits")
        return
    worst = min(checks, key=lambda c: c.held - c.held_before)
    value = worst.held - worst.held_before
    found = message(
        "outcomes.decision.found.out_of_sample", before=percent(worst.held_before),
        after=percent(worst.held), measure=message(f"adjustment.measure.{worst.measure}"),
    )  # fmt: skip
    yield Ruling("out_of_sample", least, value, asked, found, _verdict(value >= least - 1e-9),
                 remedy=message("outcomes.decision.remedy.out_of_sample"),
                 slack=value - least)  # fmt: skip


def _own_verdict(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    found = facts.evidence.verdicts
    if not rules.own_verdict:
        return
    asked = message("outcomes.decision.asked.own_verdict")
    if not found:
        if "own_verdict" in rules.model_fields_set:
            yield _unknown("own_verdict", float("nan"), asked, "no_verdict", "refits")
        return
    worst = min(found, key=lambda v: (v.recommended, -v.unchecked))
    verdict: Verdict = _verdict(worst.recommended)
    if worst.recommended and worst.unchecked:
        verdict = "cannot_know"
    remedy = message(f"outcomes.decision.remedy.{'unchecked' if worst.recommended else 'own'}")
    yield Ruling("own_verdict", float("nan"), float(worst.recommended), asked, worst.found, verdict,
                 remedy=remedy)  # fmt: skip


def _consensus(facts: Facts, rules: AdoptionRules) -> Iterator[Ruling]:
    least = rules.consensus
    if least is False:
        return
    asked = message("outcomes.decision.asked.consensus", w=f"{least:.2f}")
    known = [c for c in facts.evidence.consensus if not np.isnan(c.w)]
    if not known:
        if "consensus" in rules.model_fields_set:
            yield _unknown("consensus", least, asked, "no_panel", "panel")
        return
    worst = min(known, key=lambda c: c.w)
    names = facts.proposed.framework.names
    where = names[worst.node] if worst.node else message("outcomes.decision.root")
    low = sum(c.w < least for c in known)
    found = message("outcomes.decision.found.consensus", w=f"{worst.w:.2f}", where=where, n=low,
                    of=len(known))  # fmt: skip
    yield Ruling("consensus", least, worst.w, asked, found, _verdict(worst.w >= least),
                 remedy=message("outcomes.decision.remedy.consensus", where=where),
                 slack=worst.w - least)  # fmt: skip
