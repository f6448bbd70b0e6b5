"""Dominance diagnostics and reverse adjustment: no single indicator decides the result."""

from calib.adjustment.adjusting import Adjusted, adjust, adjust_spec
from calib.adjustment.correlations import CorrelationTarget, correlation_target
from calib.adjustment.diagnosis import Dominance, dominance
from calib.adjustment.grid import GridRounding, round_to_grid
from calib.adjustment.ledger import Ledger, Replay, read_ledger, replay_ledger, write_ledger
from calib.adjustment.moments import Moments, moments_of
from calib.adjustment.nearest import Certificate, Nearest, nearest_weights
from calib.adjustment.refits import OutOfSample, out_of_sample
from calib.adjustment.rounds import Round, Rounds, adjust_rounds
from calib.adjustment.shapley import ShapleyShare, shapley_exact, shapley_sampled
from calib.adjustment.share_cap import ShareCap
from calib.adjustment.shares import variance_share
from calib.adjustment.spec import AdjustSpec, make_spec
from calib.adjustment.star_fit import StarFit, fit_stars
from calib.adjustment.variance_budget import RiskBudget, risk_budget
from calib.adjustment.variance_cap import nearest_under_share_cap

__all__ = [
    "AdjustSpec",
    "Adjusted",
    "Certificate",
    "CorrelationTarget",
    "Dominance",
    "GridRounding",
    "Ledger",
    "Moments",
    "Nearest",
    "OutOfSample",
    "Replay",
    "RiskBudget",
    "Round",
    "Rounds",
    "ShapleyShare",
    "ShareCap",
    "StarFit",
    "adjust",
    "adjust_rounds",
    "adjust_spec",
    "correlation_target",
    "dominance",
    "fit_stars",
    "make_spec",
    "moments_of",
    "nearest_under_share_cap",
    "nearest_weights",
    "out_of_sample",
    "read_ledger",
    "replay_ledger",
    "risk_budget",
    "round_to_grid",
    "shapley_exact",
    "shapley_sampled",
    "variance_share",
    "write_ledger",
]
