"""The command line: `rasolve` and `python -m rasolve`."""

from rasolve.cli.app import main

__all__ = ["main"]
