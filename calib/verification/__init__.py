"""Verifying an installation: published values, files, threads, rounding noise."""

from calib.verification.certificate import verification_page
from calib.verification.reliability import Reliability, reliability
from calib.verification.values import Compared, digits_agreed
from calib.verification.verify import Verification, verify

__all__ = [
    "Compared",
    "Reliability",
    "Verification",
    "digits_agreed",
    "reliability",
    "verification_page",
    "verify",
]
