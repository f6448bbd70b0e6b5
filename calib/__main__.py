"""``calib`` and ``python -m calib``: nothing is imported before an interruption can be answered."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C ends with one line and exit code 130, also while it starts."""
    try:
        from calib.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; no file is half-written\n")
        sys.stderr.flush()
        sys.exit(130)


if __name__ == "__main__":
    main()
