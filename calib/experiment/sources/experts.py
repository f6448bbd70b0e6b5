"""``experts`` and ``opinions``: weights from a panel, with intervals, and what each one decides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from calib.experiment.context import Context
from calib.experiment.registry import Source
from calib.experts.panel_files import panel_files, read_panel
from calib.experts.panel_request import PanelRequest
from calib.experts.panel_weighing import PanelResult, weigh_panel
from calib.experts.returned_weights import read_opinions
from calib.words import message

__all__ = ["EXPERTS", "OPINIONS"]


class ExpertsParams(PanelRequest):
    """``experts``: the options of :func:`calib.weigh_panel`, and which forms to read.

    ``files`` names returned forms and tables, with ``*`` for many; ``seeds`` the file of answers to
    seed questions; ``rounds`` the rounds of the study. ``exclude`` leaves experts out.
    ``synthetic`` marks answers that nobody gave, in the report and in the provenance.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    rounds: tuple[int, ...] | None = None
    seeds: str | None = None
    exclude: tuple[str, ...] = ()
    skip_invalid: bool = False
    synthetic: bool = False

    @model_validator(mode="after")
    def _seeds_need_their_competence(self) -> ExpertsParams:
        if (self.seeds is not None) != (self.competence == "seeds"):
            raise ValueError(message("options.seeds"))
        return self


def _arguments(context: Context, name: str, params: ExpertsParams) -> dict[str, Any]:
    """Return the arguments of :func:`calib.weigh_panel` for a set."""
    paths = panel_files(params.files, context.log.folder)
    panel = read_panel(
        [context.path(str(path.absolute())) for path in paths],
        context.framework,
        rounds=params.rounds,
        skip_invalid=params.skip_invalid,
        synthetic=params.synthetic,
    )
    return {
        "panel": panel.without(params.exclude),
        "population": context.scored,
        "request": params.part(PanelRequest),
        "seeds": None if params.seeds is None else context.path(params.seeds),
        "rng": context.seed,
        "name": name,
    }


def _build(context: Context, name: str, params: ExpertsParams) -> PanelResult:
    return weigh_panel(**_arguments(context, name, params))


EXPERTS = Source(ExpertsParams, _build, arguments=_arguments)


class OpinionsParams(PanelRequest):
    """``opinions``: the options of :func:`calib.weigh_panel`, and which saved weights to read.

    ``files`` names what readers of the explorer have saved, with ``*`` for many. Nodes that nobody
    has moved keep their published weights unless ``unjudged`` says otherwise. ``exclude``,
    ``skip_invalid`` and ``synthetic`` are as for ``experts``.
    """

    unjudged: Literal["error", "published", "equal"] = "published"
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    exclude: tuple[str, ...] = ()
    skip_invalid: bool = False
    synthetic: bool = False


def _opinions(context: Context, name: str, params: OpinionsParams) -> dict[str, Any]:
    """Return the arguments of :func:`calib.weigh_panel` for a set."""
    paths = panel_files(params.files, context.log.folder)
    panel = read_opinions(
        [context.path(str(path.absolute())) for path in paths], context.framework,
        skip_invalid=params.skip_invalid, synthetic=params.synthetic,
    )  # fmt: skip
    return {
        "panel": panel.without(params.exclude),
        "population": context.scored,
        "request": params.part(PanelRequest),
        "rng": context.seed,
        "name": name,
    }


def _build_opinions(context: Context, name: str, params: OpinionsParams) -> PanelResult:
    return weigh_panel(**_opinions(context, name, params))


OPINIONS = Source(OpinionsParams, _build_opinions, arguments=_opinions)
