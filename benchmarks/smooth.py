"""General solvers of smooth programs beside scipy's SLSQP and trust-constr.

python -m benchmarks.smooth [--parts published structured subproblem] [--turns 3] [--seconds 60] [--sizes 100 ...]

published: the collection of Hock and Schittkowski; who solves what with how many steps and calls, KKT residuals from
the forms' own derivatives, a performance profile in smooth_profile.png. structured: a band shared by up to 10 000
clients, sparse, against the exact optimum. subproblem: one quadratic program of it, ours beside HiGHS and Clarabel.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from benchmarks import smooth_picture, smooth_published, smooth_structured, smooth_subproblem
from benchmarks.report import write_json

PARTS = ("published", "structured", "subproblem")
SIZES = (100, 300, 1000, 3000, 10000)


def published(turns: int, limit_s: float, out: Path) -> None:
    """Print and draw the runs on the published collection."""
    table = smooth_published.measure(turns, limit_s)
    print("steps, calls of functions/gradients; x: not solved (1e-5 of the optimum, constraints within 1e-6)")
    print(smooth_published.listing(table))
    print()
    print(smooth_published.summary(table))
    runs = {f"HS{number}": {name: asdict(run) for name, run in runs.items()} for number, runs in table.items()}
    write_json(out / "smooth_published.json", runs)
    smooth_picture.draw(table, out / "smooth_profile.png")
    print(f"\nwritten: {out / 'smooth_published.json'}, {out / 'smooth_profile.png'}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--turns", type=int, default=3, help="runs of each method, in alternation, for times")
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of one run")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="CLIENTS")
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    if "published" in given.parts:
        published(given.turns, given.seconds, given.out)
    if "structured" in given.parts:
        print("a shared band in epigraph form: clients + 1 variables and rows, 3 x clients + 1 entries in the Jacobian")
        print(smooth_structured.table(smooth_structured.measure(given.sizes, given.seconds)))
        print()
    if "subproblem" in given.parts:
        print("one quadratic subproblem of the same")
        print(smooth_subproblem.table(given.sizes, given.seconds))


if __name__ == "__main__":
    main()
