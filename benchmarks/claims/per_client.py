"""What a cut for every client gains over the best common cut and rank, and how well that is proved.

python -m benchmarks.claims.per_client [--seeds 20] [--clients 8] [--time-limit 60] [--json FILE]

By scene and regime, over seeds: how much lower the proved optimum is than the proved optimum of a common cut and rank,
how often its cuts differ, how far alternating optimization with a cut for every client is above it, the largest proved
gap and the time. Then the same optimum at 20, 50 and 100 clients; frequency-selective gains, where nothing is proved
to be optimal; and enumeration of all cuts as the rival, at three clients.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import rasolve as ra
from benchmarks.report import figures, seconds, tiny, watched, write_json
from rasolve.forms import MultipleChoice
from rasolve.problems.fedsllm.instances import REGIMES
from rasolve.solvers import Limits, solve_form

CLIENT_FLOPS_PER_S = 1.28e12
"""About the mean speed of a sampled client; a slow server is as fast as all of these together."""

Scene = Callable[[np.random.Generator, int], dict[str, Any]]


def speeds(rng: np.random.Generator, clients: int) -> np.ndarray:
    """Return client speeds over a factor of about 30, log-uniform around the published ones [FLOP/s]."""
    return CLIENT_FLOPS_PER_S * 10 ** rng.uniform(-0.75, 0.75, clients)


def halving(activation_bits: float, blocks: int) -> np.ndarray:
    """Return activations that halve at every block, as those of many convolutional models do."""
    return activation_bits * 2.0 ** -np.arange(blocks + 1)


SCENES: dict[str, Scene] = {
    "as published": lambda *_: {},
    "slow server": lambda _, clients: {"server_flops_per_s": CLIENT_FLOPS_PER_S * clients},
    "speeds over 30x": lambda rng, clients: {"client_flops_per_s": speeds(rng, clients)},
    "speeds over 30x, slow server": lambda rng, clients: {
        "client_flops_per_s": speeds(rng, clients),
        "server_flops_per_s": CLIENT_FLOPS_PER_S * clients,
    },
    "the same with downlink": lambda rng, clients: {
        "client_flops_per_s": speeds(rng, clients),
        "server_flops_per_s": CLIENT_FLOPS_PER_S * clients,
        "downlink": True,
    },
    "server half as fast, memory for 1 to 12 blocks": lambda rng, clients: {
        "server_flops_per_s": 0.5 * CLIENT_FLOPS_PER_S * clients,
        "client_memory_bytes": rng.uniform(0.65e9, 6e9, clients),
    },
    "slow server, halving activations": lambda _, clients: {
        "server_flops_per_s": CLIENT_FLOPS_PER_S * clients,
        "halving": True,
    },
    "speeds over 30x, slow server, gpt-mini": lambda rng, clients: {
        "client_flops_per_s": speeds(rng, clients),
        "server_flops_per_s": CLIENT_FLOPS_PER_S * clients,
        "model": "gpt-mini",
    },
    "speeds over 30x, slow server, vit-mini": lambda rng, clients: {
        "client_flops_per_s": speeds(rng, clients),
        "server_flops_per_s": CLIENT_FLOPS_PER_S * clients,
        "model": "vit-mini",
    },
}
"""What is changed in a sampled instance, drawn with a generator of the instance's seed (all ours)."""


def instance(scene: str, regime: str, seed: int, clients: int, per_subchannel: int = 4, **sizes: Any) -> ra.FedsLLM:
    """Return an instance of a scene with a cut for every client."""
    changes = SCENES[scene](np.random.default_rng([seed, clients]), clients)
    halves = changes.pop("halving", False)
    problem = ra.FedsLLM.sample(
        seed=seed,
        clients=clients,
        subchannels=per_subchannel * clients,
        regime=regime,
        per_client=True,
        **changes,
        **sizes,
    )
    if not halves:
        return problem
    bits = halving(float(problem.profile.activation_bits[0]), problem.profile.blocks)
    return problem.replace(profile=problem.profile.replace(activation_bits=bits))


@dataclass(frozen=True)
class Outcome:
    """Objectives [s] of one instance: cuts of their own, a common one, alternating; gap, boxes, time, distinct cuts."""

    scene: str
    regime: str
    seed: int
    own_s: float
    common_s: float
    alternating_s: float
    gap: float
    common_gap: float
    boxes: int
    seconds: float
    cuts: int

    @property
    def gain(self) -> float:
        """How much lower than with a common cut and rank [%]."""
        return 100 * (1 - self.own_s / self.common_s)

    @property
    def above(self) -> float:
        """How far alternating optimization is above [%]."""
        return 100 * (self.alternating_s / self.own_s - 1)


def outcome(scene: str, regime: str, seed: int, problem: ra.FedsLLM, time_limit: float) -> Outcome:
    """Solve one instance with cuts of their own and with a common one."""
    own, common = ra.solve(problem, time_limit=time_limit), ra.solve(problem.replace(per_client=False), bound=True)
    return Outcome(
        scene=scene,
        regime=regime,
        seed=seed,
        own_s=own.objective,
        common_s=common.objective,
        alternating_s=ra.solve(problem, "alternating").objective,
        gap=own.gap,
        common_gap=common.gap,
        boxes=own.iterations,
        seconds=own.seconds,
        cuts=len(set(own.decision.cut.tolist())),
    )


HEAD = (
    "lower by [%] than a common cut and rank",
    "mean ± sd",
    "max",
    "cuts differ",
    "alternating above [%]",
    "largest gap",
    "boxes",
    "time",
)


def row(name: str, found: Sequence[Outcome]) -> tuple[str, ...]:
    """Return one line: gains, and medians of boxes and time (worst in brackets)."""
    gain, above = np.array([o.gain for o in found]), np.array([o.above for o in found])
    spread = f"{abs(gain.mean()):.2f}" + (f" ± {gain.std(ddof=1):.2f}" if len(gain) > 1 else "")
    boxes, time = [o.boxes for o in found], [o.seconds for o in found]
    return (
        name,
        spread,
        f"{abs(gain.max()):.1f}",
        f"{sum(o.cuts > 1 for o in found)} of {len(found)}",
        f"{above.mean():.2f}",
        tiny(max(o.gap for o in found)),
        f"{np.median(boxes):.0f} ({max(boxes)})",
        f"{seconds(float(np.median(time)))} ({seconds(max(time))})",
    )


def enumerated(problem: ra.FedsLLM) -> float:
    """Return the optimum by looking at every rank and every client's cut, poor ones refuted by the best so far."""
    best = float("inf")
    for menu in problem.formulate(MultipleChoice).form.menus:
        for option in product(*(np.flatnonzero(allowed) for allowed in menu.allowed)):
            best = min(best, solve_form(menu.at(np.array(option)), limits=Limits(cutoff=best)).objective)
    return best


def against_enumeration(seeds: int) -> str:
    """Return how long enumeration takes at three clients, in pairs on the same instance, and how far apart both end."""
    scene, rows = "speeds over 30x, slow server", []
    for regime in REGIMES:
        times, apart = [], []
        for seed in watched(range(seeds), f"enumeration, {regime}"):
            problem = instance(scene, regime, seed, 3)
            own, began = ra.solve(problem), perf_counter()
            best = enumerated(problem)
            times.append((own.seconds, perf_counter() - began))
            apart.append(abs(own.objective / best - 1))
        mine, theirs = np.array(times).T
        ratio = f"{np.median(theirs / mine):.0f} ({(theirs / mine).min():.0f} to {(theirs / mine).max():.0f})"
        rows.append((regime, seconds(np.median(mine)), seconds(np.median(theirs)), ratio, tiny(max(apart))))
    return figures(("3 clients", "branch and bound", "enumeration", "ratio", "apart"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for one instance")
    parser.add_argument("--json", type=Path, help="file for every instance's figures")
    given = parser.parse_args()
    outcomes: list[Outcome] = []

    def solved(scene: str, regime: str, seeds: int, clients: int, **sizes: Any) -> list[Outcome]:
        found = [
            outcome(scene, regime, seed, instance(scene, regime, seed, clients, **sizes), given.time_limit)
            for seed in watched(range(seeds), f"{scene}, {regime}, {clients} clients")
        ]
        outcomes.extend(found)
        return found

    print(
        f"{given.clients} clients, {4 * given.clients} subchannels on each link, {given.seeds} seeds; GPT2-S or as said"
    )
    for regime in REGIMES:
        rows = [row(scene, solved(scene, regime, given.seeds, given.clients)) for scene in SCENES]
        print("", regime, figures(HEAD, rows), sep="\n")
    scene, few = "speeds over 30x, slow server", max(1, given.seeds // 4)
    rows = [
        row(f"{clients} clients, {regime}", solved(scene, regime, few, clients))
        for clients in (20, 50, 100)
        for regime in REGIMES
    ]
    print("", f"{scene}, {few} seeds", figures(HEAD, rows), sep="\n")
    rows = [
        row(f"{clients} clients, {regime}", solved(scene, regime, few, clients, selective=True))
        for clients in (8, 20)
        for regime in REGIMES
    ]
    print("", f"{scene}, selective gains (common: alternating), {few} seeds", figures(HEAD, rows), sep="\n")
    print("", against_enumeration(few), sep="\n")
    if given.json is not None:
        write_json(given.json, {"clients": given.clients, "outcomes": [asdict(o) for o in outcomes]})
        print(f"\nwritten: {given.json}")


if __name__ == "__main__":
    main()
