"""How exact `fdma` is: certified gaps on stressed instances, and how far small ones are from forty digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import rasolve as ra
from benchmarks.fdma_instances import FAMILIES
from benchmarks.fdma_reference import reference
from benchmarks.report import figures, tiny, watched

CLIENTS = (1, 2, 3, 5)
"""Clients of the instances that are checked in forty digits."""


@dataclass(frozen=True)
class Accuracy:
    """One family at one number of clients: worst certified gap and worst disagreement, and Newton's steps."""

    family: str
    clients: int
    instances: int
    gap: float
    disagreement: float | None
    steps: int


def accuracy(per_family: int) -> list[Accuracy]:
    """Return the accuracy of all families: small instances against the reference, larger ones by their own gap."""
    found = []
    for name, family in FAMILIES.items():
        for clients in (*CLIENTS, 20, 100):
            rng = np.random.default_rng(clients)
            checked = clients in CLIENTS
            form = family(rng, per_family // len(CLIENTS) if checked else per_family, clients)
            batch = ra.solve_batch(form, gap=1e-12)
            disagreement = None
            if checked:
                pairs = list(zip(form.apart(), batch.objective, strict=True))
                disagreement = max(
                    abs(reference(each, ours) / ours - 1) for each, ours in watched(pairs, f"{name}, {clients}")
                )
            found.append(Accuracy(name, clients, len(batch), float(batch.gap.max()), disagreement, batch.iterations))
    return found


def accuracy_table(found: Sequence[Accuracy]) -> str:
    """Return one line for each family."""
    rows = []
    for family in FAMILIES:
        own = [a for a in found if a.family == family]
        checked = [a for a in own if a.disagreement is not None]
        rows.append(
            (
                family,
                str(sum(a.instances for a in own)),
                tiny(max(a.gap for a in own)),
                str(sum(a.instances for a in checked)),
                tiny(max(a.disagreement or 0.0 for a in checked)),
                str(max(a.steps for a in own)),
            )
        )
    head = ("family", "instances", "certified gap: most", "in 40 digits", "disagreement: most", "steps: most")
    return figures(head, rows)
