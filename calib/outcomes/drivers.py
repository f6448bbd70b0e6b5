"""What drives the uncertainty of stars: shares by sampled root, and by choice of method.

A *root* is something that could have come out otherwise (experts, ballots, enterprises); its
replicates are drawn, so its shares are estimated by pick and freeze. A *choice* is a step that
somebody decided (pooling, a cap, a grid, an option of the rule); its alternatives are tried in
all combinations, so its shares are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field, StrictInt

from calib._streams import stream, token
from calib._types import FloatArray, Seed
from calib.errors import InputError
from calib.framework import RuleOptions
from calib.outcomes.driver_quantities import Quantities, Target
from calib.outcomes.driver_roots import over_roots
from calib.outcomes.variance_shares import VarianceShares, factorial_variances, shares_of
from calib.population import Ensemble, Population
from calib.rating import Scored
from calib.report import Note, Result, Table
from calib.requests import Request, expect, takes
from calib.weights import Plan, Root, Weighed, WeightSet
from calib.words import Text, joined, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DriversRequest", "DriversResult", "drivers"]

Choice: TypeAlias = "WeightSet | Callable[[WeightSet], WeightSet | Weighed] | Mapping[str, str]"
"""A weight set in place of the one before, a step from it, or options of the rating rule."""
Choices = Mapping[str, Mapping[str, Choice]]
_ONCE: Plan = {"": np.zeros(1, dtype=np.int64)}
"""The plan of sets without roots: themselves, once."""


class DriversRequest(Request):
    """Options of :func:`drivers`."""

    target: Target = Field(
        "changes",
        description='"changes": how many enterprises change star against the baseline; "stars": '
        'how many have each star; "enterprise": the star of one',
    )
    enterprise: str | None = Field(None, description='whose star, with target "enterprise"')
    size: Annotated[StrictInt, Field(ge=2, le=100_000)] = Field(
        128, description="pairs of draws; each is looked at with every group of roots frozen"
    )
    together: tuple[tuple[str, ...], ...] = Field(
        (),
        description="groups of roots, by key or kind, that are not independent: they are drawn by "
        "the same number, and get Shapley shares of the variance with some of them as observed",
    )


@dataclass(frozen=True, eq=False, repr=False)
class DriversResult(Result):
    """Shares of the uncertainty of stars by what it comes from.

    Attributes
    ----------
    roots : what was sampled, in the order of the rows of ``sampled``
    sampled : shares by root; first-order and total ones are NaN for roots that depend
    errors : (roots, targets) simulation error of their Shapley shares; NaN where roots depend
    alone : (roots, targets) variance when that root varies and the others are as observed
    factors : names of the choices
    chosen : shares by choice, None without choices
    targets : names of the quantities

    Tables: ``drivers`` (by root and by choice), ``driver-values`` (every combination of choices).
    """

    names_of: Mapping[str, Text]
    roots: tuple[Root, ...]
    sampled: VarianceShares | None
    errors: FloatArray
    alone: FloatArray
    factors: tuple[str, ...]
    chosen: VarianceShares | None
    combinations: pd.DataFrame | None
    targets: tuple[str, ...]
    dependent: bool

    @property
    def names(self) -> Mapping[str, Text]:
        """Names of nodes, tracks and stars by code."""
        return self.names_of

    @property
    def most(self) -> int:
        """Place of the quantity that varies most."""
        known = [found.variance for found in (self.sampled, self.chosen) if found is not None]
        return int(np.argmax(np.max(known, axis=0)))

    def headline(self) -> Text:
        """Return what drives the quantity that varies most."""
        parts = [
            message("outcomes.drivers.share", what=label, share=f"{100 * value:.0f}")
            for label, value in self.ranking()
        ]
        if not parts:
            return message("outcomes.drivers.nothing")
        if len(self.targets) == 1:
            return message("outcomes.drivers.headline", parts=joined(parts))
        star = self.names[self.targets[self.most]]
        return message("outcomes.drivers.headline_star", star=star, parts=joined(parts))

    def error_of(self, what: Text | str, target: int | None = None) -> float:
        """Return the simulation error of the Shapley share of a root; 0 for a choice."""
        labels = [r.label for r in self.roots]
        place = self.most if target is None else target
        return float(self.errors[labels.index(what), place]) if what in labels else 0.0

    def ranking(self, target: int | None = None) -> list[tuple[Text | str, float]]:
        """Return roots, then choices, with their Shapley shares, the largest first.

        Parameters
        ----------
        target : place of the quantity; the one that varies most if None
        """
        out: list[tuple[Text | str, float]] = []
        target = self.most if target is None else target
        roots: list[Text | str] = [r.label for r in self.roots]
        for labels, found in ((roots, self.sampled), ([*self.factors], self.chosen)):
            if found is not None and found.variance[target] > 0:
                shares = found.shapley[:, target].tolist()
                out += sorted(zip(labels, shares, strict=True), key=lambda row: -row[1])
        return out

    @cached_property
    def tables(self) -> Sequence[Table]:  # type: ignore[override]
        """Shares, and the values behind those of choices."""
        frame = self._frame()
        labels = {root.label.get("en"): root.label for root in self.roots}
        tables = [Table("drivers", frame, message("outcomes.drivers.table"),
                        shown=frame.assign(root=[labels.get(r, r) for r in frame["root"]]),
                        blank=message("outcomes.drivers.blank"))]  # fmt: skip
        if self.combinations is not None:
            title = message("outcomes.drivers.combinations")
            tables.append(Table("driver-values", self.combinations, title, from_transitions=True))
        return tuple(tables)

    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        rows = []
        for t, target in enumerate(self.targets):
            if self.sampled is not None:
                deviation = float(np.sqrt(self.sampled.variance[t]))
                rows += [
                    (target, root.kind, root.label.get("en"), s.first[i, t], s.total[i, t],
                     s.shapley[i, t], self.errors[i, t], np.sqrt(self.alone[i, t]), deviation)
                    for s in (self.sampled,) for i, root in enumerate(self.roots)
                ]  # fmt: skip
            if self.chosen is not None:
                deviation = float(np.sqrt(self.chosen.variance[t]))
                rows += [
                    (target, "choice", name, s.first[i, t], s.total[i, t], s.shapley[i, t],
                     0.0, np.nan, deviation)
                    for s in (self.chosen,) for i, name in enumerate(self.factors)
                ]  # fmt: skip
        columns = ["target", "root_kind", "root", "first_order", "total_order", "shapley",
                   "shapley_se", "sd_alone", "sd"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def notes(self) -> Sequence[Note]:  # type: ignore[override]
        """How roots were varied."""
        out = []
        if self.sampled is None:
            out.append(Note(message("outcomes.drivers.decided"), warning=True))
        elif len(self.roots) == 1:
            out.append(Note(message("outcomes.drivers.only")))
        if self.dependent:
            out.append(Note(message("outcomes.drivers.dependent")))
        return tuple(out)


@takes(DriversRequest)
def drivers(
    weights: WeightSet | Weighed | Callable[..., WeightSet | Weighed],
    population: Population | Scored | Ensemble,
    *,
    request: DriversRequest,
    baseline: WeightSet | None = None,
    choices: Mapping[str, Mapping[str, Any]] | None = None,
    rule_options: RuleOptions | Mapping[str, str] | None = None,
    rng: Seed = None,
) -> DriversResult:
    """Find what the uncertainty of stars comes from.

    Parameters
    ----------
    weights : the set whose roots vary, or the result that made it. Or a procedure: a function that
        takes one choice of every name in ``choices`` by keyword, and gives weights
    population : the enterprises. Of an ensemble, which sample was observed is a root too, and
        where unanswered items are imputed, what was drawn for them
    baseline : stars are compared with those under this set; with those under ``weights``, as
        observed, if None
    choices : by name, the alternatives by name. Of a weight set each is a step: a weight set that
        takes the place of the one before, a function from it to the next, or options of the
        rating rule; names are steps in their order
    rule_options : answers to the open questions of the rule; the framework's defaults if None
    rng : seed or Generator
    {options}

    Raises
    ------
    InputError
        When there is nothing that could vary, or the enterprise is unknown.

    Notes
    -----
    Roots: with corners between two independent draws A and B of all roots, the variance that a
    group explains follows from pairs of corners that agree on the group (Jansen 1999). Choices:
    an exact analysis of variance over the full factorial, every choice as likely. Both sum to 1
    in Shapley shares, first-order shares do where effects add.

    References
    ----------
    Song, E., Nelson, B. L. and Staum, J. (2016). Shapley effects for global sensitivity analysis.
    SIAM/ASA Journal on Uncertainty Quantification 4, 1060-1083.

    Examples
    --------
    >>> import calib
    >>> framework = calib.load_framework("aii")
    >>> firms = calib.load_population("trial", framework)
    >>> published = calib.published_weights(framework)
    >>> more = published.with_weights({"DA": 0.40}, name="more")
    >>> steps = {
    ...     "analytics": {"0.32": published, "0.40": more},
    ...     "gate": {"table": {}, "example": {"gate_value": "example"}},
    ... }
    >>> found = calib.drivers(published, firms, choices=steps)
    >>> float(found.chosen.shapley.sum())
    1.0
    """
    call = "drivers(weights, population)"
    if not callable(weights):
        expect(call, weights=(weights, (WeightSet, Weighed)))
    expect(call, population=(population, (Population, Scored, Ensemble)))
    weights = weights.weights if isinstance(weights, Weighed) else weights
    quantities = Quantities(population, baseline, rule_options, request.target, request.enterprise)
    chosen, combinations = None, None
    if choices:
        chosen, combinations = _over_choices(weights, choices, quantities)
    roots: tuple[Root, ...] = ()
    sampled, errors = None, np.zeros((0, len(quantities.targets)))
    alone = errors
    if isinstance(weights, WeightSet):
        roots = quantities.roots(weights)
        if roots:
            generator = stream(token(rng), "drivers")
            sampled, errors, alone = over_roots(
                weights, quantities, size=request.size, together=request.together, rng=generator
            )
    if sampled is None and chosen is None:
        raise InputError(message("outcomes.drivers.nothing_varies"))
    return DriversResult(
        quantities.framework.names, roots, sampled, errors, alone, tuple(choices or ()), chosen,
        combinations, quantities.targets, any(len(group) > 1 for group in request.together),
    )  # fmt: skip


def _over_choices(
    weights: WeightSet | Callable[..., WeightSet | Weighed],
    choices: Choices,
    quantities: Quantities,
) -> tuple[VarianceShares, pd.DataFrame]:
    import pandas as pd

    names = {f: list(c) for f, c in choices.items()}
    if any(len(c) < 2 for c in names.values()):
        single = [f for f, c in names.items() if len(c) < 2]
        raise InputError(message("outcomes.drivers.one_choice", names=single))
    rows, values = [], []
    # Choices are compared with the baseline as it was decided.
    quantities, first = copy(quantities), None
    for picked in product(*names.values()):
        named = dict(zip(names, picked, strict=True))
        made, rule_options = _made(weights, choices, named, quantities)
        first = first or made
        quantities.baseline = (quantities.baseline or first).with_uncertainty(None)
        found = quantities.values(made.with_uncertainty(None), _ONCE, rule_options)
        values.append(found[0])
        rows.append((*picked, *found[0]))
    shape = [len(c) for c in names.values()]
    grid = np.stack(values).reshape(*shape, len(quantities.targets))
    shares = shares_of(factorial_variances(grid, len(shape)))
    listed = [
        (", ".join(f"{f} = {c}" for f, c in zip(names, row, strict=False)), target, value)
        for row in rows
        for target, value in zip(quantities.targets, row[len(names):], strict=True)
    ]  # fmt: skip
    return shares, pd.DataFrame(listed, columns=["choices", "target", "value"])


def _made(
    weights: WeightSet | Callable[..., WeightSet | Weighed],
    choices: Choices,
    picked: Mapping[str, str],
    quantities: Quantities,
) -> tuple[WeightSet, Any]:
    """Return the weights of one combination, and the options of the rule it takes."""
    if not isinstance(weights, WeightSet):
        return _set(weights(**{f: choices[f][c] for f, c in picked.items()})), None
    made, options = weights, dict(_options(quantities.rule_options))
    for factor, name in picked.items():
        choice = choices[factor][name]
        if isinstance(choice, Mapping):
            options |= choice
        else:
            made = _set(choice(made) if not isinstance(choice, WeightSet) else choice)
    return made, options or None


def _options(rule_options: RuleOptions | Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    if isinstance(rule_options, RuleOptions):
        yield from rule_options.as_dict().items()
    elif rule_options is not None:
        yield from rule_options.items()


def _set(made: WeightSet | Weighed) -> WeightSet:
    weights = made.weights if isinstance(made, Weighed) else made
    expect("drivers(weights, population, choices=…)", choice=(weights, WeightSet))
    return weights
