"""Problems of Hock and Schittkowski, Test Examples for Nonlinear Programming Codes (Springer, 1981), as published.

Each has its number, its functions with constraints as published (`least` >= 0, `equal` = 0), bounds, start and optimum.
All are analytic, so first derivatives are exact by complex steps, f'(x) = Im f(x + i·1e-30)/1e-30, and second ones are
differences of those. Optima are the published ones, with more digits or in closed form where they are known; where the
published digits are wrong, or several local optima exist, the note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import cos, exp, log, pi, sin, sqrt

from rasolve.forms import SmoothProgram
from rasolve.numerics import FloatArray

INF = np.inf
TINY = 1e-30


@dataclass(frozen=True)
class Example:
    """One published problem; ``others`` are objectives of further local optima, accepted as success as well."""

    number: int
    objective: Callable[[Any], Any]
    start: Sequence[float]
    optimum: float
    least: Callable[[Any], Sequence[Any]] | None = None
    equal: Callable[[Any], Sequence[Any]] | None = None
    lower: Any = -INF
    upper: Any = INF
    others: tuple[float, ...] = ()
    note: str = ""

    def form(self, second: bool = True) -> SmoothProgram:
        """Return the problem as a form, with or without second derivatives."""
        least, equal = self.least, self.equal

        def inequalities(x: FloatArray) -> FloatArray:
            return -np.stack(least(x))

        def equalities(x: FloatArray) -> FloatArray:
            return np.stack(equal(x))

        def jacobian(function: Callable[[Any], Any]) -> Callable[[FloatArray], FloatArray]:
            return lambda x: np.stack([function(x + 1j * TINY * e).imag / TINY for e in np.eye(len(x))], axis=-1)

        gradient = jacobian(lambda x: np.asarray(self.objective(x)))
        slopes = [jacobian(inequalities) if least else None, jacobian(equalities) if equal else None]

        def hessian(x: FloatArray, weight: float, inequality: FloatArray, equality: FloatArray) -> FloatArray:
            def pull(point: FloatArray) -> FloatArray:
                parts = [m @ s(point) for m, s in zip((inequality, equality), slopes, strict=True) if s is not None]
                return weight * gradient(point) + sum(parts, np.zeros(len(x)))

            steps = 1e-6 * np.maximum(1e-2, np.abs(x))
            rows = [(pull(x + h * e) - pull(x - h * e)) / (2 * h) for h, e in zip(steps, np.eye(len(x)), strict=True)]
            return np.asarray((np.stack(rows) + np.stack(rows).T) / 2)

        return SmoothProgram(
            objective=self.objective,
            start=np.asarray(self.start, float),
            gradient=gradient,
            inequalities=inequalities if least else None,
            inequality_jacobian=slopes[0],
            equalities=equalities if equal else None,
            equality_jacobian=slopes[1],
            hessian=hessian if second else None,
            lower=np.asarray(self.lower, float),
            upper=np.asarray(self.upper, float),
        )

    def solved_by(self, objective: float, relative: float = 1e-5) -> bool:
        """Return whether an objective is that of the optimum, lower still, or of another known local optimum."""
        near = [abs(objective - f) <= relative * max(1.0, abs(f)) for f in (self.optimum, *self.others)]
        return any(near) or objective <= self.optimum


def rosenbrock(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def heat(x: Any) -> Any:
    return (4 * x[0] - x[1]) ** 2 + (x[1] + x[2] - 2) ** 2 + (x[3] - 1) ** 2 + (x[4] - 1) ** 2


def linear_5(x: Any) -> list[Any]:
    return [x[0] + 3 * x[1], x[2] + x[3] - 2 * x[4], x[1] - x[4]]


def powell(x: Any) -> list[Any]:
    return [(x * x).sum() - 10, x[1] * x[2] - 5 * x[3] * x[4], x[0] ** 3 + x[1] ** 3 + 1]


def phase(angle: float) -> Callable[[Any], list[Any]]:
    return lambda x: [x[3] - x[2] + angle, x[2] - x[3] + angle]


def flows(x: Any) -> list[Any]:
    return [
        1000 * sin(-x[2] - 0.25) + 1000 * sin(-x[3] - 0.25) + 894.8 - x[0],
        1000 * sin(x[2] - 0.25) + 1000 * sin(x[2] - x[3] - 0.25) + 894.8 - x[1],
        1000 * sin(x[3] - 0.25) + 1000 * sin(x[3] - x[2] - 0.25) + 1294.8,
    ]


def generation(x: Any) -> Any:
    return 3 * x[0] + 1e-6 * x[0] ** 3 + 2 * x[1] + 2e-6 / 3 * x[1] ** 3


def colville_3(x: Any) -> list[Any]:
    a = 85.334407 + 0.0056858 * x[1] * x[4] + 0.0006262 * x[0] * x[3] - 0.0022053 * x[2] * x[4]
    b = 80.51249 + 0.0071317 * x[1] * x[4] + 0.0029955 * x[0] * x[1] + 0.0021813 * x[2] ** 2
    c = 9.300961 + 0.0047026 * x[2] * x[4] + 0.0012547 * x[0] * x[2] + 0.0019085 * x[2] * x[3]
    return [a, 92 - a, b - 90, 110 - b, c - 20, 25 - c]


COLVILLE_A = np.array(
    [
        [-16, 2, 0, 1, 0], [0, -2, 0, 0.4, 2], [-3.5, 0, 2, 0, 0], [0, -2, 0, -4, -1], [0, -9, -2, 1, -2.8],
        [2, 0, -4, 0, 0], [-1, -1, -1, -1, -1], [-1, -2, -3, -2, -1], [1, 2, 3, 4, 5], [1, 1, 1, 1, 1],
    ]
)  # fmt: skip
COLVILLE_B = np.array([-40, -2, -0.25, -4, -4, -1, -40, -60, 5, 1])
COLVILLE_C = np.array(
    [
        [30, -20, -10, 32, -10], [-20, 39, -6, -31, 32], [-10, -6, 10, -6, -10], [32, -31, -6, 39, -20],
        [-10, 32, -10, -20, 30],
    ]
)  # fmt: skip
COLVILLE_D = np.array([4, 8, 10, 6, 2])
COLVILLE_E = np.array([-15, -27, -36, -18, -12])


def colville_1(x: Any) -> Any:
    return COLVILLE_E @ x + x @ (COLVILLE_C @ x) + COLVILLE_D @ x**3


def colville_2(x: Any) -> Any:
    return -COLVILLE_B @ x[:10] + x[10:] @ (COLVILLE_C @ x[10:]) + 2 * COLVILLE_D @ x[10:] ** 3


def colville_2_least(x: Any) -> list[Any]:
    return list(2 * COLVILLE_C @ x[10:] + 3 * COLVILLE_D * x[10:] ** 2 + COLVILLE_E - COLVILLE_A.T @ x[:10])


def transformer(x: Any) -> Any:
    a, b = x[0] * x[3] * (x[0] + x[1] + x[2]), x[1] * x[2] * (x[0] + 1.57 * x[1] + x[3])
    return 0.0204 * a + 0.0187 * b + 0.0607 * a * x[4] ** 2 + 0.0437 * b * x[5] ** 2


def transformer_least(x: Any) -> list[Any]:
    a, b = x[0] * x[3] * x[4] ** 2 * (x[0] + x[1] + x[2]), x[1] * x[2] * x[5] ** 2 * (x[0] + 1.57 * x[1] + x[3])
    return [0.001 * x.prod() - 2.07, 1 - 0.00062 * a - 0.00058 * b]


def separation(x: Any) -> Any:
    return np.array([4.3, 31.8, 63.3, 15.8, 68.5, 4.7]) @ x


def separation_least(*b: float) -> Callable[[Any], list[Any]]:
    first, second = (
        np.array([17.1, 38.2, 204.2, 212.3, 623.4, 1495.5]),
        np.array([17.9, 36.8, 113.9, 169.7, 337.8, 1385.2]),
    )

    def least(x: Any) -> list[Any]:
        x1, _, x3, x4, x5, x6 = x
        bent_1 = 169 * x1 * x3 + 3580 * x3 * x5 + 3810 * x4 * x5 + 18500 * x4 * x6 + 24300 * x5 * x6
        bent_2 = 139 * x1 * x3 + 2450 * x4 * x5 + 16600 * x4 * x6 + 17200 * x5 * x6
        third = -273 * x[1] - 70 * x4 - 819 * x5 + 26000 * x4 * x5
        fourth = 159.9 * x1 - 311 * x[1] + 587 * x4 + 391 * x5 + 2198 * x6 - 14000 * x1 * x6
        return [first @ x - bent_1 - b[0], second @ x - bent_2 - b[1], third - b[2], fourth - b[3]]

    return least


SEPARATION_UPPER = (0.31, 0.046, 0.068, 0.042, 0.028, 0.0134)


def hs100(x: Any) -> Any:
    return (
        (x[0] - 10) ** 2 + 5 * (x[1] - 12) ** 2 + x[2] ** 4 + 3 * (x[3] - 11) ** 2 + 10 * x[4] ** 6
        + 7 * x[5] ** 2 + x[6] ** 4 - 4 * x[5] * x[6] - 10 * x[5] - 8 * x[6]
    )  # fmt: skip


def hs100_least(x: Any) -> list[Any]:
    return [
        127 - 2 * x[0] ** 2 - 3 * x[1] ** 4 - x[2] - 4 * x[3] ** 2 - 5 * x[4],
        282 - 7 * x[0] - 3 * x[1] - 10 * x[2] ** 2 - x[3] + x[4],
        196 - 23 * x[0] - x[1] ** 2 - 6 * x[5] ** 2 + 8 * x[6],
        -4 * x[0] ** 2 - x[1] ** 2 + 3 * x[0] * x[1] - 2 * x[2] ** 2 - 5 * x[5] + 11 * x[6],
    ]


def reactor(x: Any) -> Any:
    return 0.4 * x[0] ** 0.67 * x[6] ** -0.67 + 0.4 * x[1] ** 0.67 * x[7] ** -0.67 + 10 - x[0] - x[1]


def reactor_least(x: Any) -> list[Any]:
    return [
        1 - 0.0588 * x[4] * x[6] - 0.1 * x[0],
        1 - 0.0588 * x[5] * x[7] - 0.1 * x[0] - 0.1 * x[1],
        1 - 4 * x[2] / x[4] - 2 * x[2] ** -0.71 / x[4] - 0.0588 * x[2] ** -1.3 * x[6],
        1 - 4 * x[3] / x[5] - 2 * x[3] ** -0.71 / x[5] - 0.0588 * x[3] ** -1.3 * x[7],
        reactor(x) - 1,
        4.2 - reactor(x),
    ]


def exchanger_least(x: Any) -> list[Any]:
    return [
        1 - 0.0025 * (x[3] + x[5]),
        1 - 0.0025 * (x[4] + x[6] - x[3]),
        1 - 0.01 * (x[7] - x[4]),
        x[0] * x[5] - 833.33252 * x[3] - 100 * x[0] + 83333.333,
        x[1] * x[6] - 1250 * x[4] - x[1] * x[3] + 1250 * x[3],
        x[2] * x[7] - 1250000 - x[2] * x[4] + 2500 * x[4],
    ]


def hexagon_least(x: Any) -> list[Any]:
    return [
        1 - x[2] ** 2 - x[3] ** 2, 1 - x[8] ** 2, 1 - x[4] ** 2 - x[5] ** 2, 1 - x[0] ** 2 - (x[1] - x[8]) ** 2,
        1 - (x[0] - x[4]) ** 2 - (x[1] - x[5]) ** 2, 1 - (x[0] - x[6]) ** 2 - (x[1] - x[7]) ** 2,
        1 - (x[2] - x[4]) ** 2 - (x[3] - x[5]) ** 2, 1 - (x[2] - x[6]) ** 2 - (x[3] - x[7]) ** 2,
        1 - x[6] ** 2 - (x[7] - x[8]) ** 2, x[0] * x[3] - x[1] * x[2], x[2] * x[8], -x[4] * x[8],
        x[4] * x[7] - x[5] * x[6],
    ]  # fmt: skip


EQUILIBRIUM = np.array([-6.089, -17.164, -34.054, -5.914, -24.721, -14.986, -24.1, -10.708, -26.662, -22.179])


def balance(x: Any) -> list[Any]:
    return [
        x[0] + 2 * x[1] + 2 * x[2] + x[5] + x[9] - 2,
        x[3] + 2 * x[4] + x[5] + x[6] - 1,
        x[2] + x[6] + x[7] + 2 * x[8] + x[9] - 1,
    ]


def hs113(x: Any) -> Any:
    squares = (x[2] - 10) ** 2 + 4 * (x[3] - 5) ** 2 + (x[4] - 3) ** 2 + 2 * (x[5] - 1) ** 2 + 5 * x[6] ** 2
    more = 7 * (x[7] - 11) ** 2 + 2 * (x[8] - 10) ** 2 + (x[9] - 7) ** 2
    return x[0] ** 2 + x[1] ** 2 + x[0] * x[1] - 14 * x[0] - 16 * x[1] + squares + more + 45


def hs113_least(x: Any) -> list[Any]:
    return [
        105 - 4 * x[0] - 5 * x[1] + 3 * x[6] - 9 * x[7],
        -10 * x[0] + 8 * x[1] + 17 * x[6] - 2 * x[7],
        8 * x[0] - 2 * x[1] - 5 * x[8] + 2 * x[9] + 12,
        -3 * (x[0] - 2) ** 2 - 4 * (x[1] - 3) ** 2 - 2 * x[2] ** 2 + 7 * x[3] + 120,
        -5 * x[0] ** 2 - 8 * x[1] - (x[2] - 6) ** 2 + 2 * x[3] + 40,
        -0.5 * (x[0] - 8) ** 2 - 2 * (x[1] - 4) ** 2 - 3 * x[4] ** 2 + x[5] + 30,
        -(x[0] ** 2) - 2 * (x[1] - 2) ** 2 + 2 * x[0] * x[1] - 14 * x[4] + 6 * x[5],
        3 * x[0] - 6 * x[1] - 12 * (x[8] - 8) ** 2 + 7 * x[9],
    ]


def hs118(x: Any) -> Any:
    rate, bend = np.tile([2.3, 1.7, 2.2], 5), np.tile([1e-4, 1e-4, 1.5e-4], 5)
    return rate @ x + bend @ (x * x)


def hs118_least(x: Any) -> list[Any]:
    change = x[3:] - x[:-3] + 7
    sums = x.reshape(5, 3).sum(axis=1) - np.array([60, 50, 70, 85, 100])
    return [*change, *(np.tile([13, 14, 13], 4) - change), *sums]


def fluidized(x: Any) -> Any:
    return -32.174 * (
        255 * log((x[0] + x[1] + x[2] + 0.03) / (0.09 * x[0] + x[1] + x[2] + 0.03))
        + 280 * log((x[1] + x[2] + 0.03) / (0.07 * x[1] + x[2] + 0.03))
        + 290 * log((x[2] + 0.03) / (0.13 * x[2] + 0.03))
    )


def hs43_least(x: Any) -> list[Any]:
    return [
        8 - (x * x).sum() - x[0] + x[1] - x[2] + x[3],
        10 - x[0] ** 2 - 2 * x[1] ** 2 - x[2] ** 2 - 2 * x[3] ** 2 + x[0] + x[3],
        5 - 2 * x[0] ** 2 - x[1] ** 2 - x[2] ** 2 - 2 * x[0] + x[1] + x[3],
    ]


def hs44_least(x: Any) -> list[Any]:
    return [
        8 - x[0] - 2 * x[1], 12 - 4 * x[0] - x[1], 12 - 3 * x[0] - 4 * x[1],
        8 - 2 * x[2] - x[3], 8 - x[2] - 2 * x[3], 5 - x[2] - x[3],
    ]  # fmt: skip


def hs55_equal(x: Any) -> list[Any]:
    return [
        x[0] + 2 * x[1] + 5 * x[4] - 6, x[0] + x[1] + x[2] - 3, x[3] + x[4] + x[5] - 2,
        x[0] + x[3] - 1, x[1] + x[4] - 2, x[2] + x[5] - 2,
    ]  # fmt: skip


def hs110(x: Any) -> Any:
    return (log(x - 2) ** 2 + log(10 - x) ** 2).sum() - x.prod() ** 0.2


A4, B7 = np.arcsin(sqrt(1 / 4.2)), np.arcsin(sqrt(5 / 7.2))

EXAMPLES = (
    Example(1, rosenbrock, (-2, 1), 0, lower=(-INF, -1.5)),
    Example(2, rosenbrock, (-2, 1), 0.0504261879, lower=(-INF, 1.5), others=(4.94122931799,)),
    Example(3, lambda x: x[1] + 1e-5 * (x[1] - x[0]) ** 2, (10, 1), 0, lower=(-INF, 0)),
    Example(4, lambda x: (x[0] + 1) ** 3 / 3 + x[1], (1.125, 0.125), 8 / 3, lower=(1, 0)),
    Example(
        5, lambda x: sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1, (0, 0), -sqrt(3) / 2 - pi / 3,
        lower=(-1.5, -3), upper=(4, 3),
    ),
    Example(6, lambda x: (1 - x[0]) ** 2, (-1.2, 1), 0, equal=lambda x: [10 * (x[1] - x[0] ** 2)]),
    Example(
        7, lambda x: log(1 + x[0] ** 2) - x[1], (2, 2), -sqrt(3),
        equal=lambda x: [(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4],
    ),
    Example(8, lambda x: -1 + 0 * x[0], (2, 1), -1, equal=lambda x: [(x * x).sum() - 25, x[0] * x[1] - 9]),
    Example(
        9, lambda x: sin(pi * x[0] / 12) * cos(pi * x[1] / 16), (0, 0), -0.5, equal=lambda x: [4 * x[0] - 3 * x[1]]
    ),
    Example(
        10, lambda x: x[0] - x[1], (-10, 10), -1,
        least=lambda x: [-3 * x[0] ** 2 + 2 * x[0] * x[1] - x[1] ** 2 + 1],
    ),
    Example(
        11, lambda x: (x[0] - 5) ** 2 + x[1] ** 2 - 25, (4.9, 0.1), -8.498464223, least=lambda x: [x[1] - x[0] ** 2]
    ),
    Example(
        12, lambda x: 0.5 * x[0] ** 2 + x[1] ** 2 - x[0] * x[1] - 7 * x[0] - 7 * x[1], (0, 0), -30,
        least=lambda x: [25 - 4 * x[0] ** 2 - x[1] ** 2],
    ),
    Example(
        13, lambda x: (x[0] - 2) ** 2 + x[1] ** 2, (-2, -2), 1, least=lambda x: [(1 - x[0]) ** 3 - x[1]], lower=0,
        note="no multipliers exist at the optimum",
    ),
    Example(
        14, lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, (2, 2), 9 - 2.875 * sqrt(7),
        least=lambda x: [1 - 0.25 * x[0] ** 2 - x[1] ** 2], equal=lambda x: [x[0] - 2 * x[1] + 1],
    ),
    Example(
        15, rosenbrock, (-2, 1), 306.5, least=lambda x: [x[0] * x[1] - 1, x[0] + x[1] ** 2], upper=(0.5, INF),
        others=(360.379767,),
    ),
    Example(
        16, rosenbrock, (-2, 1), 0.25, least=lambda x: [x[0] + x[1] ** 2, x[0] ** 2 + x[1]],
        lower=(-0.5, -INF), upper=(0.5, 1), others=(3.98207135,23.144661),
    ),
    Example(
        17, rosenbrock, (-2, 1), 1, least=lambda x: [x[1] ** 2 - x[0], x[0] ** 2 - x[1]],
        lower=(-0.5, -INF), upper=(0.5, 1),
    ),
    Example(
        18, lambda x: 0.01 * x[0] ** 2 + x[1] ** 2, (2, 2), 5,
        least=lambda x: [x[0] * x[1] - 25, (x * x).sum() - 25], lower=(2, 0), upper=50,
    ),
    Example(
        19, lambda x: (x[0] - 10) ** 3 + (x[1] - 20) ** 3, (20.1, 5.84), -6961.8138755801,
        least=lambda x: [((x - 5) ** 2).sum() - 100, 82.81 - (x[1] - 5) ** 2 - (x[0] - 6) ** 2],
        lower=(13, 0), upper=100,
    ),
    Example(
        20, rosenbrock, (-2, 1), 81.5 - 25 * sqrt(3),
        least=lambda x: [x[0] + x[1] ** 2, x[0] ** 2 + x[1], (x * x).sum() - 1], lower=(-0.5, -INF), upper=(0.5, INF),
        others=(40.198729810778,),
    ),
    Example(
        21, lambda x: 0.01 * x[0] ** 2 + x[1] ** 2 - 100, (-1, -1), -99.96, least=lambda x: [10 * x[0] - x[1] - 10],
        lower=(2, -50), upper=50,
    ),
    Example(
        22, lambda x: (x[0] - 2) ** 2 + (x[1] - 1) ** 2, (2, 2), 1,
        least=lambda x: [2 - x[0] - x[1], x[1] - x[0] ** 2],
    ),
    Example(
        23, lambda x: (x * x).sum(), (3, 1), 2,
        least=lambda x: [
            x[0] + x[1] - 1, (x * x).sum() - 1, 9 * x[0] ** 2 + x[1] ** 2 - 9, x[0] ** 2 - x[1], x[1] ** 2 - x[0],
        ],
        lower=-50, upper=50, others=(9.472136,),
    ),
    Example(
        24, lambda x: ((x[0] - 3) ** 2 - 9) * x[1] ** 3 / (27 * sqrt(3)), (1, 0.5), -1,
        least=lambda x: [x[0] / sqrt(3) - x[1], x[0] + sqrt(3) * x[1], 6 - x[0] - sqrt(3) * x[1]], lower=0,
    ),
    Example(
        26, lambda x: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4, (-2.6, 2, 2), 0,
        equal=lambda x: [(1 + x[1] ** 2) * x[0] + x[2] ** 4 - 3],
    ),
    Example(
        27, lambda x: 0.01 * (x[0] - 1) ** 2 + (x[1] - x[0] ** 2) ** 2, (2, 2, 2), 0.04,
        equal=lambda x: [x[0] + x[2] ** 2 + 1],
    ),
    Example(
        28, lambda x: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2, (-4, 1, 1), 0,
        equal=lambda x: [x[0] + 2 * x[1] + 3 * x[2] - 1],
    ),
    Example(
        29, lambda x: -x.prod(), (1, 1, 1), -16 * sqrt(2),
        least=lambda x: [48 - x[0] ** 2 - 2 * x[1] ** 2 - 4 * x[2] ** 2],
    ),
    Example(
        30, lambda x: (x * x).sum(), (1, 1, 1), 1, least=lambda x: [x[0] ** 2 + x[1] ** 2 - 1],
        lower=(1, -10, -10), upper=10,
    ),
    Example(
        31, lambda x: 9 * x[0] ** 2 + x[1] ** 2 + 9 * x[2] ** 2, (1, 1, 1), 6, least=lambda x: [x[0] * x[1] - 1],
        lower=(-10, 1, -10), upper=(10, 10, 1),
    ),
    Example(
        32, lambda x: (x[0] + 3 * x[1] + x[2]) ** 2 + 4 * (x[0] - x[1]) ** 2, (0.1, 0.7, 0.2), 1,
        least=lambda x: [6 * x[1] + 4 * x[2] - x[0] ** 3 - 3], equal=lambda x: [1 - x.sum()], lower=0,
    ),
    Example(
        33, lambda x: (x[0] - 1) * (x[0] - 2) * (x[0] - 3) + x[2], (0, 0, 3), sqrt(2) - 6,
        least=lambda x: [x[2] ** 2 - x[1] ** 2 - x[0] ** 2, (x * x).sum() - 4], lower=0, upper=(INF, INF, 5),
        others=(-4.0,),
    ),
    Example(
        34, lambda x: -x[0], (0, 1.05, 2.9), -log(log(10)), least=lambda x: [x[1] - exp(x[0]), x[2] - exp(x[1])],
        lower=0, upper=(100, 100, 10),
    ),
    Example(
        35,
        lambda x: 9 - 8 * x[0] - 6 * x[1] - 4 * x[2] + 2 * x[0] ** 2 + 2 * x[1] ** 2 + x[2] ** 2
        + 2 * x[0] * (x[1] + x[2]),
        (0.5, 0.5, 0.5), 1 / 9, least=lambda x: [3 - x[0] - x[1] - 2 * x[2]], lower=0,
    ),
    Example(
        36, lambda x: -x.prod(), (10, 10, 10), -3300, least=lambda x: [72 - x[0] - 2 * x[1] - 2 * x[2]],
        lower=0, upper=(20, 11, 42),
    ),
    Example(
        37, lambda x: -x.prod(), (10, 10, 10), -3456,
        least=lambda x: [72 - x[0] - 2 * x[1] - 2 * x[2], x[0] + 2 * x[1] + 2 * x[2]], lower=0, upper=42,
    ),
    Example(
        38,
        lambda x: rosenbrock(x) + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2
        + 10.1 * ((x[1] - 1) ** 2 + (x[3] - 1) ** 2) + 19.8 * (x[1] - 1) * (x[3] - 1),
        (-3, -1, -3, -1), 0, lower=-10, upper=10,
    ),
    Example(
        39, lambda x: -x[0], (2, 2, 2, 2), -1,
        equal=lambda x: [x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2],
    ),
    Example(
        40, lambda x: -x.prod(), (0.8, 0.8, 0.8, 0.8), -0.25,
        equal=lambda x: [x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]],
    ),
    Example(
        41, lambda x: 2 - x[0] * x[1] * x[2], (2, 2, 2, 2), 52 / 27,
        equal=lambda x: [x[0] + 2 * x[1] + 2 * x[2] - x[3]], lower=0, upper=(1, 1, 1, 2), others=(2.0,),
    ),
    Example(
        42, lambda x: ((x - np.arange(1, 5)) ** 2).sum(), (1, 1, 1, 1), 28 - 10 * sqrt(2),
        equal=lambda x: [x[0] - 2, x[2] ** 2 + x[3] ** 2 - 2],
    ),
    Example(
        43, lambda x: x[0] ** 2 + x[1] ** 2 + 2 * x[2] ** 2 + x[3] ** 2 - 5 * x[0] - 5 * x[1] - 21 * x[2] + 7 * x[3],
        (0, 0, 0, 0), -44, least=hs43_least,
    ),
    Example(
        44, lambda x: x[0] - x[1] - x[2] - x[0] * x[2] + x[0] * x[3] + x[1] * x[2] - x[1] * x[3], (0, 0, 0, 0), -15,
        least=hs44_least, lower=0, others=(-13.0,),
    ),
    Example(45, lambda x: 2 - x.prod() / 120, (2, 2, 2, 2, 2), 1, lower=0, upper=(1, 2, 3, 4, 5), others=(2.0,)),
    Example(
        46, lambda x: (x[0] - x[1]) ** 2 + (x[2] - 1) ** 2 + (x[3] - 1) ** 4 + (x[4] - 1) ** 6,
        (sqrt(2) / 2, 1.75, 0.5, 2, 2), 0,
        equal=lambda x: [x[0] ** 2 * x[3] + sin(x[3] - x[4]) - 1, x[1] + x[2] ** 4 * x[3] ** 2 - 2],
    ),
    Example(
        48, lambda x: (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2, (3, 5, -3, 2, -2), 0,
        equal=lambda x: [x.sum() - 5, x[2] - 2 * (x[3] + x[4]) + 3],
    ),
    Example(
        49, lambda x: (x[0] - x[1]) ** 2 + (x[2] - 1) ** 2 + (x[3] - 1) ** 4 + (x[4] - 1) ** 6, (10, 7, 2, -3, 0.8), 0,
        equal=lambda x: [x[0] + x[1] + x[2] + 4 * x[3] - 7, x[2] + 5 * x[4] - 6],
    ),
    Example(
        50, lambda x: (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 2,
        (35, -31, 11, 5, -5), 0,
        equal=lambda x: [x[i] + 2 * x[i + 1] + 3 * x[i + 2] - 6 for i in range(3)],
    ),
    Example(
        51, lambda x: (x[0] - x[1]) ** 2 + (x[1] + x[2] - 2) ** 2 + (x[3] - 1) ** 2 + (x[4] - 1) ** 2,
        (2.5, 0.5, 2, -1, 0.5), 0, equal=lambda x: [x[0] + 3 * x[1] - 4, x[2] + x[3] - 2 * x[4], x[1] - x[4]],
    ),
    Example(52, heat, (2, 2, 2, 2, 2), 1859 / 349, equal=linear_5),
    Example(
        53, lambda x: (x[0] - x[1]) ** 2 + (x[1] + x[2] - 2) ** 2 + (x[3] - 1) ** 2 + (x[4] - 1) ** 2,
        (2, 2, 2, 2, 2), 176 / 43, equal=linear_5, lower=-10, upper=10,
    ),
    Example(
        55, lambda x: x[0] + 2 * x[1] + 4 * x[4] + exp(x[0] * x[3]), (1, 2, 0, 0, 0, 2), 19 / 3, equal=hs55_equal,
        lower=0, upper=(1, INF, INF, 1, INF, INF), note="linearly dependent equalities", others=(6.6666666667,),
    ),
    Example(
        56, lambda x: -x[0] * x[1] * x[2], (1, 1, 1, A4, A4, A4, B7), -3.456,
        equal=lambda x: [
            *(x[:3] - 4.2 * sin(x[3:6]) ** 2), x[0] + 2 * x[1] + 2 * x[2] - 7.2 * sin(x[6]) ** 2,
        ],
    ),
    Example(
        60, lambda x: (x[0] - 1) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4, (2, 2, 2), 0.03256820025,
        equal=lambda x: [x[0] * (1 + x[1] ** 2) + x[2] ** 4 - 4 - 3 * sqrt(2)], lower=-10, upper=10,
    ),
    Example(
        61, lambda x: 4 * x[0] ** 2 + 2 * x[1] ** 2 + 2 * x[2] ** 2 - 33 * x[0] + 16 * x[1] - 24 * x[2], (0, 0, 0),
        -143.6461422, equal=lambda x: [3 * x[0] - 2 * x[1] ** 2 - 7, 4 * x[0] - x[2] ** 2 - 11],
    ),
    Example(
        62, fluidized, (0.7, 0.2, 0.1), -26272.51448, equal=lambda x: [x.sum() - 1], lower=0, upper=1
    ),
    Example(
        63, lambda x: 1000 - x[0] ** 2 - 2 * x[1] ** 2 - x[2] ** 2 - x[0] * x[1] - x[0] * x[2], (2, 2, 2), 961.7151721,
        equal=lambda x: [8 * x[0] + 14 * x[1] + 7 * x[2] - 56, (x * x).sum() - 25], lower=0,
    ),
    Example(
        64, lambda x: 5 * x[0] + 50000 / x[0] + 20 * x[1] + 72000 / x[1] + 10 * x[2] + 144000 / x[2], (1, 1, 1),
        6299.842428, least=lambda x: [1 - 4 / x[0] - 32 / x[1] - 120 / x[2]], lower=1e-5,
    ),
    Example(
        65, lambda x: (x[0] - x[1]) ** 2 + (x[0] + x[1] - 10) ** 2 / 9 + (x[2] - 5) ** 2, (-5, 5, 0), 0.9535288567,
        least=lambda x: [48 - (x * x).sum()], lower=(-4.5, -4.5, -5), upper=(4.5, 4.5, 5),
    ),
    Example(
        66, lambda x: 0.2 * x[2] - 0.8 * x[0], (0, 1.05, 2.9), 0.5181632741,
        least=lambda x: [x[1] - exp(x[0]), x[2] - exp(x[1])], lower=0, upper=(100, 100, 10),
    ),
    Example(
        71, lambda x: x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2], (1, 5, 5, 1), 17.0140173,
        least=lambda x: [x.prod() - 25], equal=lambda x: [(x * x).sum() - 40], lower=1, upper=5,
    ),
    Example(
        72, lambda x: 1 + x.sum(), (1, 1, 1, 1), 727.67937,
        least=lambda x: [
            0.0401 - 4 / x[0] - 2.25 / x[1] - 1 / x[2] - 0.25 / x[3],
            0.010085 - 0.16 / x[0] - 0.36 / x[1] - 0.64 / x[2] - 0.64 / x[3],
        ],
        lower=0.001, upper=(4e5, 3e5, 2e5, 1e5),
    ),
    Example(
        73, lambda x: 24.55 * x[0] + 26.75 * x[1] + 39 * x[2] + 40.5 * x[3], (1, 1, 1, 1), 29.894378,
        least=lambda x: [
            2.3 * x[0] + 5.6 * x[1] + 11.1 * x[2] + 1.3 * x[3] - 5,
            12 * x[0] + 11.9 * x[1] + 41.8 * x[2] + 52.1 * x[3] - 21
            - 1.645 * sqrt(0.28 * x[0] ** 2 + 0.19 * x[1] ** 2 + 20.5 * x[2] ** 2 + 0.62 * x[3] ** 2),
        ],
        equal=lambda x: [x.sum() - 1], lower=0,
    ),
    Example(
        74, generation, (0, 0, 0, 0), 5126.4981, least=phase(0.55), equal=flows, lower=(0, 0, -0.55, -0.55),
        upper=(1200, 1200, 0.55, 0.55),
    ),
    Example(
        75, generation, (0, 0, 0, 0), 5174.4129, least=phase(0.48), equal=flows, lower=(0, 0, -0.48, -0.48),
        upper=(1200, 1200, 0.48, 0.48),
    ),
    Example(
        76,
        lambda x: x[0] ** 2 + 0.5 * x[1] ** 2 + x[2] ** 2 + 0.5 * x[3] ** 2 - x[0] * x[2] + x[2] * x[3]
        - x[0] - 3 * x[1] + x[2] - x[3],
        (0.5, 0.5, 0.5, 0.5), -4.681818182,
        least=lambda x: [
            5 - x[0] - 2 * x[1] - x[2] - x[3], 4 - 3 * x[0] - x[1] - 2 * x[2] + x[3], x[1] + 4 * x[2] - 1.5,
        ],
        lower=0,
    ),
    Example(
        77,
        lambda x: (x[0] - 1) ** 2 + (x[0] - x[1]) ** 2 + (x[2] - 1) ** 2 + (x[3] - 1) ** 4 + (x[4] - 1) ** 6,
        (2, 2, 2, 2, 2), 0.24150513,
        equal=lambda x: [
            x[0] ** 2 * x[3] + sin(x[3] - x[4]) - 2 * sqrt(2), x[1] + x[2] ** 4 * x[3] ** 2 - 8 - sqrt(2),
        ],
    ),
    Example(78, lambda x: x.prod(), (-2, 1.5, 2, -1, -1), -2.91970041, equal=powell),
    Example(
        79,
        lambda x: (x[0] - 1) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4,
        (2, 2, 2, 2, 2), 0.0787768209,
        equal=lambda x: [
            x[0] + x[1] ** 2 + x[2] ** 3 - 2 - 3 * sqrt(2), x[1] - x[2] ** 2 + x[3] + 2 - 2 * sqrt(2), x[0] * x[4] - 2,
        ],
    ),
    Example(
        80, lambda x: exp(x.prod()), (-2, 2, 2, -1, -1), 0.0539498478, equal=powell,
        lower=(-2.3, -2.3, -3.2, -3.2, -3.2), upper=(2.3, 2.3, 3.2, 3.2, 3.2),
    ),
    Example(
        81, lambda x: exp(x.prod()) - 0.5 * (x[0] ** 3 + x[1] ** 3 + 1) ** 2, (-2, 2, 2, -1, -1), 0.0539498478,
        equal=powell, lower=(-2.3, -2.3, -3.2, -3.2, -3.2), upper=(2.3, 2.3, 3.2, 3.2, 3.2),
    ),
    Example(
        83, lambda x: 5.3578547 * x[2] ** 2 + 0.8356891 * x[0] * x[4] + 37.293239 * x[0] - 40792.141,
        (78, 33, 27, 27, 27), -30665.53867, least=colville_3, lower=(78, 33, 27, 27, 27), upper=(102, 45, 45, 45, 45),
    ),
    Example(
        86, colville_1, (0, 0, 0, 0, 1), -32.34867897, least=lambda x: list(COLVILLE_A @ x - COLVILLE_B), lower=0
    ),
    Example(93, transformer, (5.54, 4.4, 12.02, 11.8, 0.702, 0.852), 135.075961, least=transformer_least, lower=0),
    Example(
        95, separation, (0,) * 6, 0.01561951427, least=separation_least(4.97, -1.88, -29.08, -78.02),
        lower=0, upper=SEPARATION_UPPER,
    ),
    Example(
        96, separation, (0,) * 6, 0.01561951427, least=separation_least(4.97, -1.88, -69.08, -118.02),
        lower=0, upper=SEPARATION_UPPER,
    ),
    Example(
        97, separation, (0,) * 6, 3.1358091, least=separation_least(32.97, 25.12, -29.08, -78.02),
        lower=0, upper=SEPARATION_UPPER, others=(4.07124,),
    ),
    Example(
        98, separation, (0,) * 6, 3.1358091, least=separation_least(32.97, 25.12, -124.08, -173.02),
        lower=0, upper=SEPARATION_UPPER, others=(4.07124,),
    ),
    Example(100, hs100, (1, 2, 0, 4, 0, 1, 1), 680.6300573, least=hs100_least),
    Example(
        104, reactor, (6, 3, 0.4, 0.2, 6, 6, 1, 0.5), 3.9511634396, least=reactor_least, lower=0.1, upper=10
    ),
    Example(
        106, lambda x: x[0] + x[1] + x[2], (5000, 5000, 5000, 200, 350, 150, 225, 425), 7049.2480,
        least=exchanger_least, lower=(100, 1000, 1000, 10, 10, 10, 10, 10),
        upper=(1e4, 1e4, 1e4, 1e3, 1e3, 1e3, 1e3, 1e3), note="published 7049.330923, which is not optimal",
    ),
    Example(
        108,
        lambda x: -0.5 * (x[0] * x[3] - x[1] * x[2] + x[2] * x[8] - x[4] * x[8] + x[4] * x[7] - x[5] * x[6]),
        (1,) * 9, -0.8660254038, least=hexagon_least, lower=(*(-INF,) * 8, 0), others=(-0.6749814429, -0.5),
    ),
    Example(110, hs110, (9,) * 10, -45.77846971, lower=2.001, upper=9.999),
    Example(
        111, lambda x: (exp(x) * (EQUILIBRIUM + x - log(exp(x).sum()))).sum(), (-2.3,) * 10, -47.76109026,
        equal=lambda x: balance(exp(x)), lower=-100, upper=100,
    ),
    Example(
        112, lambda x: (x * (EQUILIBRIUM + log(x / x.sum()))).sum(), (0.1,) * 10, -47.76109026, equal=balance,
        lower=1e-6, note="published -47.707579, which is not optimal",
    ),
    Example(113, hs113, (2, 3, 5, 5, 1, 2, 7, 3, 6, 10), 24.3062091, least=hs113_least),
    Example(
        117, colville_2, (*(0.001,) * 6, 60, *(0.001,) * 8), 32.34867897, least=colville_2_least, lower=0
    ),
    Example(
        118, hs118, (20, 55, 15, *(20, 60, 20) * 4), 664.82045, least=hs118_least,
        lower=(8, 43, 3, *(0,) * 12), upper=(21, 57, 16, *(90, 120, 60) * 4),
    ),
)  # fmt: skip
