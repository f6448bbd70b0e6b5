"""The command line; see :mod:`calib.cli.main`."""
