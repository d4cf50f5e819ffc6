"""OR-tools' maximum flow, asked over a pipe: it and highspy 1.15 cannot be imported in one process."""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

import numpy as np


def main() -> None:
    """Answer paths of networks with seconds and value, and write the cut beside them."""
    try:
        from ortools.graph.python.max_flow import SimpleMaxFlow
    except ModuleNotFoundError:
        print("absent", flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        path = Path(line.strip())
        given = np.load(path)
        tails, heads = given["tails"].astype(np.int32), given["heads"].astype(np.int32)
        began = process_time()
        capacities, finite = given["capacities"], np.isfinite(given["capacities"])
        unit = capacities[finite].sum() / 2**60
        whole = np.where(finite, np.floor(np.where(finite, capacities, 0.0) / unit), 2.0**61).astype(np.int64)
        solver = SimpleMaxFlow()
        solver.add_arcs_with_capacity(tails, heads, whole)
        solver.solve(int(given["source"]), int(given["sink"]))
        side = np.zeros(int(max(tails.max(), heads.max())) + 1, dtype=bool)
        side[solver.get_source_side_min_cut()] = True
        seconds = process_time() - began
        np.save(path.with_suffix(".side.npy"), side)
        print(seconds, unit * solver.optimal_flow(), flush=True)


if __name__ == "__main__":
    main()
