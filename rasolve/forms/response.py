"""What many items choose: penalties, costs and choices, of one alternative of each item or of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Response:
    """What n items choose: penalty [n], cost [n, B], and the choice itself, arrays with n in front.

    ``which`` [n] says which alternative each item took, where there are such (see `Separable.each`). Of alternatives,
    penalty has shape [n, S], cost [n, S, B], and every array of the choice n and S in front.
    """

    penalty: FloatArray
    cost: FloatArray
    choice: tuple[Any, ...] = ()
    which: IntArray | None = None

    def of(self, which: IntArray) -> Response:
        """Return, of a response of alternatives, each item's alternative `which` [n]."""
        rows = np.arange(len(which))
        choice = tuple(part[rows, which] for part in self.choice)
        return Response(self.penalty[rows, which], self.cost[rows, which], choice, which)

    def where(self, kept: NDArray[np.bool_], other: Response) -> Response:
        """Return this response for the items of the mask `kept` [n], and the other's elsewhere."""

        def mixed(one: Any, two: Any) -> Any:
            return np.where(kept.reshape(-1, *[1] * (one.ndim - 1)), one, two)

        return Response(
            mixed(self.penalty, other.penalty),
            mixed(self.cost, other.cost),
            tuple(mixed(*pair) for pair in zip(self.choice, other.choice, strict=True)),
            mixed(self.which, other.which) if self.which is not None and other.which is not None else None,
        )


def joined(responses: Sequence[Response]) -> Response:
    """Return the responses of consecutive slices as one."""
    if len(responses) == 1:
        return responses[0]

    def together(parts: Sequence[Any]) -> Any:
        return None if parts[0] is None else np.concatenate(parts)

    return Response(
        together([r.penalty for r in responses]),
        together([r.cost for r in responses]),
        tuple(together(parts) for parts in zip(*(r.choice for r in responses), strict=True)),
        together([r.which for r in responses]),
    )
