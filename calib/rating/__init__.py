"""Rating: from answers and weights to scores, gates and stars."""

from calib.rating.counting import count_partitions
from calib.rating.explain import StarExplained, explain_rule, explain_star
from calib.rating.kernel import star_counts
from calib.rating.one_weight import one_weight_intervals, smallest_moves, weight_intervals
from calib.rating.over_samples import OverSamples, over_samples
from calib.rating.rate import rate
from calib.rating.rating_result import RatedSample, Rating
from calib.rating.scored import NotRated, Scored, ScoredSample, Unanswered
from calib.rating.scored_nodes import score_nodes
from calib.rating.scoring import option_scores, score_answers
from calib.rating.stars import (
    band_index,
    effective_local,
    node_scores,
    nodes_with_score,
    stars,
    stars_by_draw,
)

__all__ = [
    "NotRated",
    "OverSamples",
    "RatedSample",
    "Rating",
    "Scored",
    "ScoredSample",
    "StarExplained",
    "Unanswered",
    "band_index",
    "count_partitions",
    "effective_local",
    "explain_rule",
    "explain_star",
    "node_scores",
    "nodes_with_score",
    "one_weight_intervals",
    "option_scores",
    "over_samples",
    "rate",
    "score_answers",
    "score_nodes",
    "smallest_moves",
    "star_counts",
    "stars",
    "stars_by_draw",
    "weight_intervals",
]
