"""The command line: `rasolve` and `python -m rasolve`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

NOTHING = 4
"""The exit code of an interrupt before anything was found, as `exit_codes` has it, which is not imported yet."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on the given arguments (those of the process by default) and return its exit code.

    The application is imported here, where an interrupt of the imports ends in a line as any other does.
    """
    try:
        from rasolve.cli.app import main as run

        return run(arguments)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            print("error: interrupted before anything was found", file=sys.stderr)
        return NOTHING
