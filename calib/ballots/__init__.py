"""Top-k ballots: worths with uncertainty, and the test of equal importance."""

from calib.ballots.data import Ballots, ballots_from_lists

__all__ = ["Ballots", "ballots_from_lists"]
