"""The page for the committee: what a decision found, in the order in which it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from calib.outcomes.decision_rules import placed, some
from calib.outcomes.decision_tables import by_agreement
from calib.outcomes.decision_wording import (
    either,
    in_language,
    score_change,
    shown_weight,
    signed_points,
    span,
    whole,
    with_stop,
)
from calib.report.display import spell
from calib.report.page_parts import (
    Advice,
    Bullets,
    Columns,
    Figure,
    Grid,
    Heading,
    Page,
    Paragraph,
    Part,
    Tone,
)
from calib.words import Text, joined, message, resolve_language, say

if TYPE_CHECKING:
    from calib.outcomes.decision import DecisionResult
    from calib.outcomes.drivers import DriversResult

__all__ = ["decision_page"]

_TONES: dict[str, Tone] = {"met": "good", "not_met": "bad", "cannot_know": "open"}
_ADVICE: dict[str, Tone] = {"adopt": "good", "reject": "bad", "ask": "open"}
MOST_MOVERS = 8
MOST_NODES = 4
MAY_MOVE = 0.2
"""Who changes star in a larger share of draws is named, though not a mover as decided."""
_SAME = 1e-7
"""Percentage points under which a weight has not changed."""
_Z = 1.645
"""Two shares are told apart where they differ by more than this many standard errors. That of
their difference is at most the sum of both, since shares of one whole vary against each other."""
_KINDS = ("panel", "survey", "population", "imputation")
_BEHIND = ("panel", "survey", "population")
_INVEST = ("panel", "survey", "population", "sample", "imputation")


def decision_page(decision: DecisionResult, lang: str | None, *, anonymous: bool = False) -> Page:
    """Return the page; see :meth:`DecisionResult.page`."""
    return _Author(decision, resolve_language(lang), anonymous).page()


class _Author:
    def __init__(self, decision: DecisionResult, lang: str, anonymous: bool) -> None:
        self.decision, self.lang, self.anonymous = decision, lang, anonymous
        self.facts = decision.facts
        self.level = f"{100 * decision.request.confidence:g}"
        self.say = partial(self._say, "outcomes.decision.page.")

    def _say(self, prefix: str, key: str, **values: object) -> str:
        return message(prefix + key, **values).get(self.lang)

    def page(self) -> Page:
        facts = self.facts
        framework = facts.proposed.framework
        sizes = [f"{framework.tracks[t].name.get(self.lang)} {len(s)}"
                 for t, s in facts.scored.samples.items()]  # fmt: skip
        return Page(
            self.say("title", proposed=facts.proposed.label, current=facts.current.label),
            self.say("subtitle", framework=framework.name, version=framework.version,
                     label=facts.scored.label, n=facts.enterprises, sizes=sizes),
            self.lang,
            (
                *self._advice(),
                *self._rules(),
                Columns(tuple(self._stars()), tuple(self._movers())),
                *self._weights(),
                Columns(tuple(self._drivers()), tuple(self._agreement())),
                *self._caveats(),
            ),
        )  # fmt: skip

    def _advice(self) -> Iterator[Part]:
        decision = self.decision
        title = say(f"outcomes.decision.advice.{decision.advice}", self.lang)
        items = []
        for verdict in ("not_met", "cannot_know"):
            named = [r.title for r in decision.open_rules if r.verdict == verdict]
            if named:
                items.append(self.say(f"rules_{verdict}", rules=named))
        if decision.advice == "adopt":
            items = [self.say("all_met", n=len(decision.rulings))]
        if decision.changes:
            several = joined(decision.changes, message("words.semicolon"))
            items.append(self.say("change", text=several))
        yield Advice(title, items, _ADVICE[decision.advice])

    def _percent(self, share: float) -> str:
        """Return a share in whole percent; what is not all is never shown as all, nor as none."""
        if np.isnan(share):
            return "–"
        shown = f"{100 * share:.0f}"
        if 0 < share < 1 and shown in ("0", "100"):
            shown = "<1" if shown == "0" else ">99"
        return self.say("percent", n=shown)

    def _rules(self) -> Iterator[Part]:
        yield Heading(self.say("rules"))
        heads = [self.say(k) for k in ("rule", "asked", "found", "verdict", "p_met")]
        rows = [
            (r.title.get(self.lang), r.asked.get(self.lang), r.found.get(self.lang),
             say(f"values.{r.verdict}", self.lang), self._percent(r.p_met))
            for r in self.decision.rulings
        ]  # fmt: skip
        tones = [_TONES[r.verdict] for r in self.decision.rulings]
        titles = (0,) if self.lang == "zh" else ()  # short ones
        yield Grid(heads, rows, numbers=(4,), tones=tones, verdict=3, unbroken=titles)
        when = self.decision.protocol
        if when is None:
            declared = bool(self.decision.request.rules.model_fields_set)
            when = message(f"outcomes.decision.page.{'declared' if declared else 'defaults'}")
        yield Paragraph(when.get(self.lang), muted=True)

    def _stars(self) -> Iterator[Part]:
        facts = self.facts
        yield Heading(self.say("stars"))
        yield Paragraph(joined(list(self._star_sentences()), "").get(self.lang))
        table = self.decision.frame("decision-stars")
        table = table[table["scope"] == "all"]
        drawn = facts.drawn is not None and facts.estimated
        heads = [self.say(k) for k in ("star", "before", "after")]
        labels = facts.scored.framework.rule.labels
        rows = []
        for row, label in zip(table.itertuples(), labels, strict=True):
            cells = [label.get(self.lang), f"{row.count_before:g}", f"{row.count_after:g}"]
            if drawn:
                cells += ["–".join(dict.fromkeys(whole(row.count_low, row.count_high)))]
            rows.append(cells)
        if drawn:
            heads.append(self.say("interval", level=self.level))
        yield Grid(heads, rows, numbers=tuple(range(1, len(heads))))

    def _star_sentences(self) -> Iterator[Text]:
        facts, page = self.facts, "outcomes.decision.page."
        yield self._moved()
        if facts.moved_interval is not None and facts.moved_drawn is not None:
            kinds = [message(f"outcomes.decision.kind.{k}") for k in self._kinds()]
            yield message(
                page + "moved_drawn", what=either(kinds), level=self.level,
                range=span(*facts.moved_interval), draws=len(facts.moved_drawn),
            )  # fmt: skip
        if facts.samples:
            ends = (float(end) for end in facts.interval(facts.moved_samples))
            yield message(page + "moved_samples", n=len(facts.samples), range=span(*ends),
                          least=int(facts.moved_samples.min()),
                          most=int(facts.moved_samples.max()), level=self.level)  # fmt: skip
        elif not facts.evidence.left_out:
            yield message(page + "not_elsewhere")
        if facts.misrated is not None:
            shown = f"{facts.misrated + 1e-9:.1f}" if facts.misrated >= 0.05 else "<0.1"
            yield message(page + "misrated", n=shown if facts.misrated else "0")

    def _moved(self) -> Text:
        facts, page = self.facts, "outcomes.decision.page."
        if not facts.moved:
            return message(page + "moved_none", of=facts.enterprises)
        tracks = facts.proposed.framework.tracks
        by = [
            message(page + "of_track", track=tracks[t].name,
                    n=int((facts.after[t] != v).sum()), of=len(v))
            for t, v in facts.before.items()
        ]  # fmt: skip
        up = sum(int((facts.after[t] > v).sum()) for t, v in facts.before.items())
        return message(
            page + "moved", n=facts.moved, of=facts.enterprises, up=up, down=facts.moved - up,
            by=message(page + "by_track", by=by) if len(by) > 1 else "",
        )  # fmt: skip

    def _kinds(self) -> list[str]:
        """Return what varies between draws, each kind once."""
        sets = (self.facts.current, self.facts.proposed)
        kinds = [root.kind for s in sets for root in s.roots]
        kinds += ["imputation"] * bool(self.facts.scored.imputations)
        return list(dict.fromkeys(k if k in _KINDS else "other" for k in kinds))

    def _movers(self) -> Iterator[Part]:
        yield Heading(self.say("movers"))
        movers = self.decision.movers
        if not len(movers):
            yield Paragraph(self.say("nobody"))
            yield from self._may_move()
            return
        if self.anonymous:
            yield Paragraph(self.say("withheld"))
            return
        sure = "p_moves" in movers
        heads = [self.say(k) for k in ("enterprise", "stars_now", "cause")]
        labels, rows = self.facts.scored.framework.rule, []
        for row in movers.head(MOST_MOVERS).itertuples():
            old, new = (labels.labels[k - labels.first].get(self.lang)
                        for k in (row.from_star, row.to_star))  # fmt: skip
            cells = [str(row.name), f"{old} → {new}", self._causes(row)]
            rows.append([*cells, *([self._percent(row.p_moves)] if sure else [])])
        if sure:
            heads.append(self.say("p"))
        yield Grid(heads, rows, numbers=(3,) if sure else (), unbroken=(1,))
        left = len(movers) - len(rows)
        if left:
            yield Paragraph(self.say("more_movers", n=left), muted=True)
        yield from self._may_move()

    def _causes(self, mover: Any) -> str:
        """Say what decides a move, with the score that does under both sets."""
        before, after = (r.samples[mover.track] for r in self.facts.ratings)
        row = int(np.flatnonzero(after.ids == mover.enterprise)[0])
        said = []
        for cause in mover.reason.split("; "):
            text, code = spell(cause, self.decision.names, self.lang), cause.split()[-1]
            if cause == "total":
                text += " " + score_change(before.total[row], after.total[row])
            elif cause == f"gate {code}" and code in after.track.index:
                at = after.track.index[code]
                text += " " + score_change(before.scores[row, at], after.scores[row, at])
            said.append(text)
        return joined(said, message("words.semicolon")).get(self.lang)

    def _may_move(self) -> Iterator[Part]:
        """Name who keeps the star as decided, and yet changes it in many draws."""
        facts = self.facts
        if facts.may_move is None or not facts.estimated or self.anonymous:
            return
        found = [
            (float(p), str(facts.ratings[1].samples[t].names[i]))
            for t, share in facts.may_move.items()
            for i, p in enumerate(share)
            if p > MAY_MOVE and facts.before[t][i] == facts.after[t][i]
        ]
        if found:
            listed = [
                message("outcomes.decision.page.one_of", name=name, p=f"{100 * p:.0f}")
                for p, name in sorted(found, key=lambda row: -row[0])
            ]
            said = self.say("may_move", p=f"{100 * MAY_MOVE:g}", listed=some(listed, 3))
            yield Paragraph(said, muted=True)

    def _weights(self) -> Iterator[Part]:
        yield Heading(self.say("weights"))
        yield Paragraph(joined(list(self._weight_sentences()), "").get(self.lang))
        drawing = self.decision.drawings[0]
        yield self._figure(drawing.title.get(self.lang))

    def _weight_sentences(self) -> Iterator[Text]:
        page, table = "outcomes.decision.page.", self.facts.weights
        framework = self.facts.proposed.framework
        table = table.sort_values("local_pp", key=abs, ascending=False, kind="stable")
        changed = int((table["local_pp"].abs() > _SAME).sum())
        if not changed:
            yield message(page + "no_change", of=len(table))
            return
        largest = table.iloc[0]
        yield message(
            page + "changed", n=changed, of=len(table), pp=signed_points(largest["local_pp"]),
            node=placed(framework, largest["track"], largest["code"]),
            old=shown_weight(largest["baseline_local"]), new=shown_weight(largest["local_weight"]),
        )  # fmt: skip
        told = table[table["outside"].notna()]
        if not len(told):
            yield message(page + "no_intervals")
            return
        apart = told[told["contradicted"].astype(bool)]
        named = [placed(framework, t, c)
                 for t, c in zip(apart["track"], apart["code"], strict=True)]  # fmt: skip
        if not named:
            alone = int(told["outside"].astype(bool).sum())
            yield message(page + "none_outside", of=len(told), level=self.level, alone=alone)
            return
        yield message(
            page + "outside", n=len(apart), of=len(told), level=self.level,
            alone=int(told["outside"].astype(bool).sum()),
            listed=some(named, 6),
        )  # fmt: skip

    def _figure(self, title: str) -> Figure:
        from calib.figures import to_png_bytes, to_svg_string

        made = self.decision.drawings[0].draw(self.lang)
        narrow = to_svg_string(self.decision.stacked_figure(self.lang), title=title)
        svg = to_svg_string(made, title=title)
        return Figure(svg, lambda: to_png_bytes(made, dpi=200), title, narrow)

    def _drivers(self) -> Iterator[Part]:
        yield Heading(self.say("drivers"))
        found = self.decision.drivers
        ranking = [] if found is None else found.ranking()
        if found is None or not ranking:
            yield Paragraph(self.say("no_drivers"))
            return
        rows = []
        for what, share in ranking:
            shown, error = f"{100 * share:.0f}".replace("-", "−"), found.error_of(what)
            key = "percent_error" if error > 0 else "percent"
            rows.append((in_language(what, self.lang),
                         self.say(key, n=shown, error=f"{np.ceil(100 * error):.0f}")))  # fmt: skip
        yield Grid([self.say("root"), self.say("share")], rows, numbers=(1,))
        yield Paragraph("".join(self._driver_sentences(found, ranking)))
        deviation = 0.0 if found.sampled is None else found.sampled.variance[0]
        yield Paragraph(self.say("of_what", sd=f"{np.sqrt(deviation):.1f}"), muted=True)

    def _driver_sentences(
        self, found: DriversResult, ranking: Sequence[tuple[Text | str, float]]
    ) -> Iterator[str]:
        """Say which sources cannot be told apart from the first, and what to do about them."""
        first, most = ranking[0]
        close = [
            n for n, (what, share) in enumerate(ranking)
            if most - share <= _Z * (found.error_of(first) + found.error_of(what))
        ]  # fmt: skip
        tied = [what for what, _ in ranking[: close[-1] + 1]]
        between = "" if self.lang == "zh" else " "
        if len(tied) > 1:
            yield self.say("tied", n=len(tied)) + between
        kinds = [r.kind for what in tied for r in found.roots if r.label is what]
        actions = [message(f"outcomes.decision.invest.{k}") for k in dict.fromkeys(kinds)
                   if k in _INVEST]  # fmt: skip
        if actions:
            yield self.say("invest", actions=joined(actions))

    def _agreement(self) -> Iterator[Part]:
        yield Heading(self.say("agreement"))
        table = self.decision.agreement
        if not len(table):
            yield Paragraph(self.say("no_panel"))
            return
        units: dict[str, int] = {}
        for root in self.facts.proposed.roots:
            units[root.kind] = units.get(root.kind, 0) + int(root.units or 0)
        who = [message(f"outcomes.decision.behind.{kind}", n=n)
               for kind, n in units.items() if kind in _BEHIND and n]  # fmt: skip
        if who:
            yield Paragraph(self.say("behind", who=who))
        names, rows = self.decision.names, []
        panels = [c.panel for c in by_agreement(self.facts.evidence.consensus)]
        for row, panel in zip(table.head(MOST_NODES).itertuples(), panels, strict=False):
            node = names[row.node].get(self.lang) if row.node else self._say(
                "outcomes.decision.", "root")  # fmt: skip
            where = f"{names[row.track].get(self.lang)} · " if row.track in names else ""
            w = "–" if np.isnan(row.kendall_w) else (
                f"{row.kendall_w:.2f} ({row.w_low:.2f}–{row.w_high:.2f})")  # fmt: skip
            where += node if panel is None else f"{node} · {panel.get(self.lang)}"
            rows.append((where, f"{row.judged_by}", w))
        yield Grid([self.say("node"), self.say("experts"), self.say("w")], rows, numbers=(1, 2))
        left = len(table) - len(rows)
        said = self.say("more_nodes", n=left) + message("words.semicolon").get(self.lang)
        yield Paragraph((said if left else "") + self.say("w_scale"), muted=True)

    def _caveats(self) -> Iterator[Part]:
        yield Heading(self.say("caveats"))
        left = len(self.decision.further)
        told = self.decision.caveats[: len(self.decision.caveats) - left]
        found = [with_stop(c.get(self.lang), self.lang) for c in told]
        yield Bullets(found or [self.say("no_caveats")])
        if left:
            yield Paragraph(self.say("more_caveats", n=left), muted=True)
