"""One set of subchannels for each client from lists, no subchannel twice, within limits: all or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from rasolve.numerics import FloatArray
from rasolve.solvers.links.pricing import Sets


@dataclass(frozen=True, eq=False)
class Listed:
    """A client's sets [S, M] by rising excess [S], their powers [S]."""

    sets: Sets
    excess: FloatArray
    power: FloatArray


class EffortSpent(Exception):
    """More sets or nodes would be needed than may be looked at."""


class Partition:
    """Depth-first search, the client with the fewest sets left first (textbook constraint propagation).

    A set's excess is what its choice loses against the relaxation; all excesses together must not exceed the slack, nor
    all powers the limit. An exhausted search proves that the lists hold no partition, in plain floating point.
    """

    def __init__(self, listed: list[Listed], slack: float, power: float, nodes: int) -> None:
        self._listed, self._slack, self._power, self._nodes = listed, slack, power, nodes

    def search(self) -> list[Sets] | None:
        """Return a set [M] for each client, or None when there is no partition; raises EffortSpent."""
        found = self._extend(dict(enumerate(self._listed)), self._slack, self._power)
        return None if found is None else [found[client] for client in range(len(self._listed))]

    def _extend(self, left: dict[int, Listed], slack: float, power: float) -> dict[int, Sets] | None:
        if not left:
            return {}
        if self._nodes <= 0:
            raise EffortSpent
        self._nodes -= 1
        least = sum(float(listed.excess[0]) for listed in left.values())
        needed = sum(float(listed.power.min()) for listed in left.values())
        if least > slack or needed > power:
            return None
        client = min(left, key=lambda k: len(left[k].excess))
        own = left[client]
        others = {k: listed for k, listed in left.items() if k != client}
        for members, excess, used in zip(own.sets, own.excess, own.power, strict=True):
            if excess + least - own.excess[0] > slack:
                break
            if used + needed - own.power.min() > power:
                continue
            remaining = _compatible(others, members, slack - excess - (least - own.excess[0]))
            if remaining is None:
                continue
            found = self._extend(remaining, slack - float(excess), power - float(used))
            if found is not None:
                return {client: members, **found}
        return None


def _compatible(others: dict[int, Listed], members: Sets, spare: float) -> dict[int, Listed] | None:
    """Return the sets of the others that share no member and whose excess is affordable; None where one has none."""
    remaining = {}
    for client, listed in others.items():
        kept = (listed.excess - listed.excess[0] <= spare) & ~listed.sets[:, members].any(axis=1)
        if not kept.any():
            return None
        remaining[client] = Listed(listed.sets[kept], listed.excess[kept], listed.power[kept])
    return remaining
