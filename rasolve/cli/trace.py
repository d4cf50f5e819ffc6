"""`rasolve trace`: the layers of a model, with work and sizes, and how long they take here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from rasolve.cli.exit_codes import ExitCode
from rasolve.cli.options import Json
from rasolve.cli.output import show, show_json
from rasolve.cli.progress import passes
from rasolve.errors import InputError
from rasolve.numerics import FloatArray
from rasolve.scenario.graph import GraphProfile
from rasolve.scenario.units import quantity
from rasolve.tables import aligned

HEAD = ("layer", "reads", "forward", "backward", "output", "weights")
NUMBERS = (2, 3, 4, 5, 6)
LISTED_PARENTS = 3
"""Parents up to which each is named in the printed table."""


def trace(
    model: Annotated[str, typer.Argument(help="A shipped model, or your own as PACKAGE.MODULE:NAME.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="SHAPE", help="An input, e.g. 1x3x224x224 or 1x512:int64. May be repeated."),
    ] = None,
    fuse: Annotated[bool, typer.Option(help="Count norms and activations to the layer before them.")] = True,
    label_bits: Annotated[
        float | None, typer.Option(metavar="BITS", help="Size of one sample's labels; shipped models have their own.")
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Also time every layer on this machine.")] = False,
    repeats: Annotated[int, typer.Option(help="Timings of every layer; their median is shown.")] = 5,
    seconds_out: Annotated[
        Path | None, typer.Option("--seconds", metavar="FILE", help="Where to save the times [s], as .npy; measures.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to save the profile.")] = None,
    as_json: Json = False,
) -> ExitCode:
    """Trace a model into the acyclic graph of its layers, counted per sample, without running it."""
    from rasolve.executor.targets import traceable
    from rasolve.executor.trace import layer_seconds
    from rasolve.executor.trace import trace as count

    found = traceable(model, inputs or [])
    labels = found.label_bits if label_bits is None else label_bits
    profile = count(found.module, found.inputs, model=model, fuse=fuse, label_bits=labels)
    seconds: FloatArray | None = None
    if measure or seconds_out is not None:
        with passes(quiet=as_json) as callback:
            timed = layer_seconds(*found.with_numbers(), fuse=fuse, repeats=repeats, callback=callback)
        seconds = np.median(timed, axis=1)
    if out is not None:
        profile.save(out)
    if seconds_out is not None and seconds is not None:
        _save(seconds, seconds_out)
    if as_json:
        timing = {} if seconds is None else {"seconds": seconds.tolist()}
        show_json({**json.loads(profile.to_json()), **timing})
    else:
        show(_text(profile, seconds))
    return ExitCode.DONE


def _save(seconds: FloatArray, path: Path) -> None:
    try:
        with path.open("wb") as file:
            np.save(file, seconds)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _text(profile: GraphProfile, seconds: FloatArray | None) -> str:
    """Return the table of layers and the totals."""
    head = (*HEAD, "measured") if seconds is not None else HEAD
    work = sum(profile.forward_flops), sum(profile.backward_flops)
    parameters = quantity(sum(profile.weight_bits), "bit")
    lines = [
        f"{profile.model}: {profile.vertices} layers, {len(profile.edges)} edges, {profile.says}",
        "",
        *aligned([head, *(_row(profile, v, seconds) for v in range(profile.vertices))], to_the_right=NUMBERS),
        "",
        f"in all {quantity(work[0], 'FLOP')} forward, {quantity(work[1], 'FLOP')} backward, {parameters} of weights",
    ]
    if seconds is not None:
        took = quantity(float(seconds.sum()), "s")
        lines.append(f"measured {took} forward and backward of one mini-batch, the medians of all layers added up")
    return "\n".join(lines)


def _row(profile: GraphProfile, v: int, seconds: FloatArray | None) -> tuple[str, ...]:
    parents = [profile.names[u] for u in profile.edges[profile.edges[:, 1] == v, 0]]
    numbers = [(profile.forward_flops[v], "FLOP"), (profile.backward_flops[v], "FLOP")]
    numbers += [(profile.output_bits[v], "bit"), (profile.weight_bits[v], "bit")]
    if seconds is not None:
        numbers.append((seconds[v], "s"))
    reads = ", ".join(parents) if len(parents) <= LISTED_PARENTS else f"{len(parents)} layers"
    return (profile.names[v], reads, *(quantity(value, unit) if value else "-" for value, unit in numbers))
