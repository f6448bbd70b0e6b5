"""Verifying an installation: published values, files, threads, rounding noise."""

from calib.verification.page import verification_page
from calib.verification.values import Compared, digits_agreed
from calib.verification.verify import Verification, verify

__all__ = ["Compared", "Verification", "digits_agreed", "verification_page", "verify"]
