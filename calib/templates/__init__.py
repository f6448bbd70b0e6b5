"""Templates: an experiment with the workbooks that go with it, to be filled and run."""

from calib.templates.experiment import NewRound, write_round
from calib.templates.workbooks import write_answer_form, write_ballot_form, write_weight_form

__all__ = [
    "NewRound",
    "write_answer_form",
    "write_ballot_form",
    "write_round",
    "write_weight_form",
]
