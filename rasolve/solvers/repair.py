"""From prices to an answer that keeps every budget: responses on both sides of the best prices, joined item by item."""

from __future__ import annotations

import numpy as np

from rasolve.forms import Response, Separable
from rasolve.forms.dual import enclose, settled
from rasolve.numerics import FloatArray

BELOW = (1e-6, 1e-4, 1e-3, 1e-2, 5e-2)
"""How far below the best prices, relative to them, the second response is sought: more items differ the further."""

TRIED = 4096
"""Items that are tried in an exchange, the most worth while first."""

STRIDE, GROWTH, RAISES = 1e-3, 1.5, 60
"""By how much the prices of exceeded budgets are raised at first, by what factor that grows, and how often at most."""


def repaired(form: Separable, prices: FloatArray, kept: Response) -> Response:
    """Return the best answer found around the best prices [B], starting from one that keeps the budgets."""
    found = [kept]
    for below in BELOW:
        mixed = exchanged(form, kept, form.answer(1.0, prices * (1 - below)), prices)
        found.append(polished(form, mixed))
    return min(found, key=form.objective)


def exchanged(form: Separable, kept: Response, wanted: Response, prices: FloatArray) -> Response:
    """Return `kept` with items taken from `wanted` as long as every budget is kept.

    The items with the most penalty saved for the priced extra cost come first; one that does not fit is passed over.
    """
    saved, extra = kept.penalty - wanted.penalty, wanted.cost - kept.cost
    worth = saved - extra @ prices
    candidates = np.flatnonzero(saved > 0)
    candidates = candidates[np.argsort(-worth[candidates], kind="stable")][:TRIED]
    room = form.budget - form.spent(kept)
    taken = np.zeros(form.items, dtype=bool)
    for item in candidates.tolist():
        needed = extra[item] * form.share
        if (needed <= room).all():
            taken[item] = True
            room = room - needed
    return wanted.where(taken, kept) if taken.any() else kept


def polished(form: Separable, kept: Response) -> Response:
    """Return the best answer with every item held to its alternative; exact within them, for one budget (ours)."""
    if form.each is None or kept.which is None or form.budgets != 1:
        return kept
    held = form.held(kept.which)
    ray = settled(held, enclose(held))
    better = held.answer(ray.high.weight, ray.high.prices)
    return better if form.judge(better) < form.objective(kept) else kept


def within_budgets(form: Separable, prices: FloatArray) -> Response | None:
    """Return the response to prices [B] raised, where budgets are exceeded, until none is; None if that does not end."""
    raised, stride = np.where(prices > 0, prices, prices.max(initial=0.0) * STRIDE), STRIDE
    for _ in range(RAISES):
        found = form.answer(1.0, raised)
        over = form.spent(found) > form.budget
        if not over.any():
            return found
        raised = np.where(over, raised * (1 + stride), raised)
        stride *= GROWTH
    return None
