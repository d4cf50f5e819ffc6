"""What the exit codes mean."""

from __future__ import annotations

from enum import IntEnum

from rasolve.forms import Termination
from rasolve.result import Result


class ExitCode(IntEnum):
    """0 done, 2 bad input, 3 infeasible, 4 stopped with nothing."""

    DONE = 0
    BAD_INPUT = 2
    INFEASIBLE = 3
    NOTHING = 4


def code_of(result: Result) -> ExitCode:
    """Return the exit code of a result: infeasible only where that is proved, nothing where a limit came first."""
    if result.decision is not None and result.feasible:
        return ExitCode.DONE
    return ExitCode.INFEASIBLE if result.termination is Termination.INFEASIBLE else ExitCode.NOTHING
