"""Exports of survey platforms: what each column holds, proposed, confirmed once, and converted."""

from calib.imports.convert_answers import convert_answers, framework_of
from calib.imports.convert_ballots import convert_ballots
from calib.imports.export import Export, read_export
from calib.imports.mapping import OPEN, Mapping, find_mapping, read_mapping
from calib.imports.prepare import prepare, require_ready, stored
from calib.imports.proposal import Proposal, Question
from calib.imports.propose_answers import propose_answers
from calib.imports.propose_ballots import propose_ballots
from calib.imports.propose_weights import GivenWeight, propose_weights, read_given

__all__ = [
    "OPEN",
    "Export",
    "GivenWeight",
    "Mapping",
    "Proposal",
    "Question",
    "convert_answers",
    "convert_ballots",
    "find_mapping",
    "framework_of",
    "prepare",
    "propose_answers",
    "propose_ballots",
    "propose_weights",
    "read_export",
    "read_given",
    "read_mapping",
    "require_ready",
    "stored",
]
