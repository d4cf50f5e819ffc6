"""The application: its commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

import rasolve
from rasolve.cli.check import check
from rasolve.cli.compare import compare
from rasolve.cli.demo import demo
from rasolve.cli.doctor import doctor
from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.explain import explain
from rasolve.cli.fit import fit
from rasolve.cli.listing import list_known
from rasolve.cli.loop import loop
from rasolve.cli.output import discard_rest, show
from rasolve.cli.plot import plot
from rasolve.cli.run import run
from rasolve.cli.solve import solve
from rasolve.cli.trace import trace
from rasolve.errors import InfeasibleError, RasolveError

INTERRUPTED = 130
"""What typer returns for an interrupt that no command has turned into a result. It exits only for a closed pipe."""

EXAMPLES = {
    "target": "fedsllm",
    "targets": "fedsllm",
    "plan": "plan.json",
    "result": "result.json --problem fedsllm",
    "model": "resnet18",
}
"""What may stand for each argument that cannot be left out."""

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Wireless resource allocation for split and federated LoRA fine-tuning, with proved bounds.",
    epilog="Exit codes: 0 done, 2 bad input, 3 infeasible, 4 stopped with nothing.",
    pretty_exceptions_enable=False,
)
app.command("list")(list_known)
app.command()(solve)
app.command()(check)
app.command()(explain)
app.command()(run)
app.add_typer(fit, name="fit")
app.command()(loop)
app.command()(compare)
app.command()(trace)
app.command()(plot)
app.command()(demo)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"rasolve {rasolve.__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Read the options that stand before a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on the given arguments (those of the process by default) and return its exit code."""
    given = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    if any("\0" in word for word in given):
        return _complain("error: an argument holds a NUL character, which no name or path can", ExitCode.BAD_INPUT)
    try:
        code = typer.main.get_command(app).main(args=given, prog_name="rasolve", standalone_mode=False)
    except InfeasibleError as error:
        return _complain(f"infeasible: {error}", ExitCode.INFEASIBLE)
    except RasolveError as error:
        return _complain(f"error: {error}", ExitCode.BAD_INPUT)
    except typer.TyperException as error:
        return _complain(f"error: {_usage(error.format_message(), given)}", ExitCode.BAD_INPUT)
    except SystemExit:
        return _complain("error: cannot write to standard output: Broken pipe", ExitCode.BAD_INPUT)
    except MemoryError as error:
        return _complain(f"error: not enough memory: {error}", ExitCode.BAD_INPUT)
    except OSError as error:
        if error.filename is None:
            discard_rest(sys.stdout)
        where = "write to standard output" if error.filename is None else f"use {error.filename}"
        return _complain(f"error: cannot {where}: {error.strerror}", ExitCode.BAD_INPUT)
    if code == INTERRUPTED:
        return _complain("error: interrupted before anything was found", ExitCode.NOTHING)
    return int(code or ExitCode.DONE)


def _complain(line: str, code: ExitCode) -> int:
    """Write one line to standard error, and nothing anywhere where that is closed or full: the code says enough."""
    if sys.stderr is not None:
        try:
            print(" ".join(line.split()), file=sys.stderr, flush=True)
        except OSError:
            discard_rest(sys.stderr)
    return int(code)


def _usage(message: str, given: Sequence[str]) -> str:
    """Return what typer says of the words given, as this command line says things."""
    missing = re.fullmatch(r"Missing argument '(\w+)'\.", message)
    if missing is None:
        return (message[:1].lower() + message[1:]).removesuffix(".")
    name = missing[1]
    command = next(word for word in given if not word.startswith("-"))
    example = f", e.g. rasolve {command} {EXAMPLES[name]}" if name in EXAMPLES else ""
    return f"missing {name.upper()}{example}"
