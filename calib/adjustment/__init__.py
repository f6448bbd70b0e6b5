"""Reverse adjustment: the nearest weights under which no single indicator decides the result."""

from calib.adjustment.adjust_request import AdjustRequest, GroupBounds, VerdictRules
from calib.adjustment.adjust_result import AdjustResult
from calib.adjustment.adjusting import Adjusted
from calib.adjustment.families import CorrelationTarget, correlation_target
from calib.adjustment.grid import GridRounding, round_to_grid
from calib.adjustment.ledger import Ledger, Replay, read_ledger, replay_ledger, write_ledger
from calib.adjustment.nearest import Certificate, Nearest, nearest_weights
from calib.adjustment.out_of_sample import OutOfSample
from calib.adjustment.reverse_adjustment import adjust, adjust_rounds
from calib.adjustment.risk_budgeting import RiskBudget, risk_budget
from calib.adjustment.rounds import Round
from calib.adjustment.star_fit import StarFit, fit_stars
from calib.adjustment.variance_caps import nearest_under_share_cap
from calib.adjustment.variance_search import ShareCap
from calib.adjustment.verdict import Finding, Verdict

__all__ = [
    "AdjustRequest",
    "AdjustResult",
    "Adjusted",
    "Certificate",
    "CorrelationTarget",
    "Finding",
    "GridRounding",
    "GroupBounds",
    "Ledger",
    "Nearest",
    "OutOfSample",
    "Replay",
    "RiskBudget",
    "Round",
    "ShareCap",
    "StarFit",
    "Verdict",
    "VerdictRules",
    "adjust",
    "adjust_rounds",
    "correlation_target",
    "fit_stars",
    "nearest_under_share_cap",
    "nearest_weights",
    "read_ledger",
    "replay_ledger",
    "risk_budget",
    "round_to_grid",
    "write_ledger",
]
