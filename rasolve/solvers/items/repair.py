"""From prices to an answer that keeps every budget: responses on both sides of the best prices, joined item by item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rasolve.forms import Response, Separable
from rasolve.forms.dual import settled
from rasolve.numerics import FloatArray

APART = (0.0, 1e-6, 1e-4, 1e-3, 1e-2, 5e-2)
"""How far above and below the best prices, relative to them, items are exchanged: the further, the more differ."""

TRIED = 4096
"""Items that are tried in an exchange, the most worth while first."""

MIXED, MOST_SHARES = 12, 200_000
"""Responses that are mixed item by item for several budgets, and most shares for which that is tried."""

TIGHTENED = 6
"""How often budgets are tightened by what rounding has exceeded them."""

STRIDE, GROWTH, RAISES = 1e-3, 1.5, 40
"""By how much the prices of exceeded budgets are raised at first, by what factor that grows, and how often at most."""


def repaired(form: Separable, prices: FloatArray, kept: Response) -> Response:
    """Return the best answer found around the best prices [B], starting from one that keeps the budgets."""
    found = [kept]
    for apart in APART:
        dear, cheap = (form.answer(1.0, prices * (1 + side * apart)) for side in (1, -1))
        found.append(exchanged(form, dear if form.keeps(dear) else kept, cheap, prices))
    return polished(form, min(found, key=form.objective), prices)


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


def polished(form: Separable, kept: Response, prices: FloatArray) -> Response:
    """Return the best answer with every item held to its alternative; exact within them, for one budget (ours)."""
    if form.each is None or kept.which is None or form.budgets != 1:
        return kept
    _, better = settled(form.held(kept.which), float(prices[0]))
    return better if better is not None and form.judge(better) < form.objective(kept) else kept


def raised(form: Separable, prices: FloatArray) -> Response | None:
    """Return the response to prices [B] raised where budgets are exceeded, until none is; None if that has no end."""
    now, stride = np.where(prices > 0, prices, prices.max(initial=0.0) * STRIDE), STRIDE
    for _ in range(RAISES):
        found = form.answer(1.0, now)
        if form.keeps(found):
            return found
        now = np.where(form.spent(found) > form.budget, now * (1 + stride), now)
        stride *= GROWTH
    return None


def mixed(form: Separable, responses: Sequence[Response]) -> Response | None:
    """Return, for several budgets, items taken from given responses so that all are kept (textbook, ours the rounding).

    The linear program over shares of the responses leaves at most B items divided. Each item goes to its largest share;
    what that exceeds, budgets are tightened by, and again. None where that does not end, or for too many items.
    """
    if form.items * len(responses) > MOST_SHARES:
        return None
    from scipy.optimize import linprog
    from scipy.sparse import eye, hstack

    penalty = np.concatenate([r.penalty for r in responses]) * form.share
    cost = np.concatenate([r.cost for r in responses]) * form.share
    unit = form.scale
    one_each = hstack([eye(form.items, format="csr")] * len(responses))
    budget = form.budget
    for _ in range(TIGHTENED):
        program = linprog(
            penalty / max(float(np.abs(penalty).sum()), np.finfo(float).tiny),
            A_ub=(cost / unit).T,
            b_ub=budget / unit,
            A_eq=one_each,
            b_eq=np.ones(form.items),
            method="highs",
        )
        if program.status != 0:
            return None
        largest = program.x.reshape(len(responses), form.items).argmax(axis=0)
        found = responses[0]
        for number, response in enumerate(responses[1:], start=1):
            found = response.where(largest == number, found)
        if form.keeps(found):
            return found
        budget = budget - np.maximum(form.spent(found) - form.budget, 0.0)
    return None
