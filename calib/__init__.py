"""calib: calibrate the weights of a maturity assessment, and see what they do to the stars."""

__version__ = "0.1.0"

__all__ = ["__version__"]
