"""Everything that commands write to standard output: text for people or one JSON value, never both."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from rasolve.errors import InputError


def show(text: str) -> None:
    """Print to standard output; raises InputError where that cannot be written, e.g. a pipe that was closed."""
    if sys.stdout is None:
        raise InputError("cannot write to standard output: it is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        discard_rest(sys.stdout)
        raise InputError(f"cannot write to standard output: {error.strerror}") from None


def nothing(text: str) -> None:
    """Say nothing: standard output is for the JSON value."""


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    show(json.dumps(value, indent=2))


def discard_rest(stream: TextIO) -> None:
    """Send what is still buffered to nowhere, so that the interpreter does not complain once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
