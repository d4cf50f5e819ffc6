"""How far a point and multipliers are from the first-order conditions, from nothing but a form's own functions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rasolve.forms import SmoothProgram
from rasolve.numerics import FloatArray


def kkt_residual(form: SmoothProgram, x: FloatArray, multipliers: Mapping[str, FloatArray]) -> float:
    """Return the worst violation of the KKT conditions at x [n], in the form's own units.

    L = f + λ_g·g + λ_h·h + z_lower·(lower - x) + z_upper·(x - upper), with λ_g, z_lower, z_upper >= 0. Stationarity is
    relative to the larger of 1 and the largest derivative of f, complementarity to that of 1 and |f|.
    """
    values, slopes, m = form.values(x), form.slopes(x), multipliers
    stationarity = slopes.lagrangian(m["inequalities"], m["equalities"]) - m["lower"] + m["upper"]
    below = np.where(m["lower"] > 0, x - form.lower, 0.0)
    above = np.where(m["upper"] > 0, form.upper - x, 0.0)
    products = [m["inequalities"] * values.inequalities, m["lower"] * below, m["upper"] * above]
    signs = np.concatenate([m["inequalities"], m["lower"], m["upper"]])
    return max(
        float(np.abs(stationarity).max()) / max(1.0, float(np.abs(slopes.gradient).max())),
        float(np.abs(np.concatenate(products)).max()) / max(1.0, abs(values.objective)),
        values.violation,
        float(-signs.min(initial=0.0)),
    )
