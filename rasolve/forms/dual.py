"""The Lagrangian dual of a `Separable` along one ray of prices: a concave function of one number, safely maximised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rasolve.forms.response import Response
from rasolve.forms.separable import Priced, Separable
from rasolve.numerics import CLOSED, FloatArray, decreasing_root

STRIDE = 16.0
"""Factor by which a price is changed while its order of magnitude is unknown."""

PATIENCE = 2
"""How often in a row the same end may move before the middle is tried instead of the crossing."""


@dataclass(frozen=True, eq=False)
class Ray:
    """The maximum of the dual over prices θ·direction, θ >= 0, enclosed between two responses (textbook).

    At ``low`` the costs exceed the budgets along the direction, at ``high`` they do not; θ is ``least`` and ``most``,
    which is inf where ``high`` has weight 0. Where θ = 0 keeps the budgets, both ends are that. ``best`` is the largest
    dual value found, inf where no choice keeps all budgets, and ``prices`` [B] where it was found. ``idle`` counts how
    often in a row the same end has moved, the high one positive.
    """

    direction: FloatArray
    limit: float
    low: Priced
    high: Priced
    least: float
    most: float
    best: float
    prices: FloatArray
    idle: int = 0

    def along(self, response: Priced) -> float:
        """Return direction · cost."""
        return float(self.direction @ response.cost)

    @property
    def crossing(self) -> float:
        """The θ at which the tangents of both ends cross."""
        spared = self.along(self.low) - self.along(self.high)
        return (self.high.penalty - self.low.penalty) / spared if spared > 0 else self.least

    @property
    def ceiling(self) -> float:
        """The tangents' value where they cross, above which no dual value along the ray lies."""
        return self.low.penalty + self.crossing * (self.along(self.low) - self.limit)

    @property
    def closed(self) -> bool:
        """Whether the maximum is found as far as floating-point numbers tell."""
        if self.best == np.inf or self.low is self.high:
            return True
        if self.ceiling - self.best <= CLOSED * abs(self.best):
            return True
        return self.most < np.inf and self.most - self.least <= CLOSED * self.most


def enclose(form: Separable) -> Ray:
    """Return the ray through 1/budget with its ends: no price at all, and prices beyond all measure.

    The second minimises costs alone; where they exceed the budgets even so, that is the proof that nothing keeps them.
    """
    direction = 1.0 / form.scale
    free = form.priced(1.0, np.zeros(form.budgets))
    limit = float(direction @ form.allowed)
    ray = Ray(direction, limit, free, free, 0.0, 0.0, free.value, free.prices)
    if ray.along(free) <= limit and (free.cost <= form.allowed).all():
        return ray
    if (form.budgets > 1 and out_of_reach(form)) or beyond(form, direction):
        return replace(ray, best=np.inf)
    cheapest = form.priced(0.0, direction)
    return replace(ray, high=cheapest, most=np.inf) if ray.along(free) > limit else ray


def beyond(form: Separable, prices: FloatArray) -> bool:
    """Return whether these prices [B] prove that no choice keeps all budgets: the least priced cost is too much."""
    return form.priced(0.0, prices).value > 0


def out_of_reach(form: Separable) -> bool:
    """Return whether the least possible cost exceeds some budget by itself."""
    return any(beyond(form, axis) for axis in np.eye(form.budgets))


def narrow(form: Separable, ray: Ray) -> Ray:
    """Return the ray with one end moved: to where the tangents cross or, if that is slow, to the middle."""
    theta = ray.crossing
    if abs(ray.idle) >= PATIENCE or not ray.least < theta < ray.most:
        theta = _middle(ray)
    found = form.priced(1.0, theta * ray.direction)
    if found.value > ray.best:
        ray = replace(ray, best=found.value, prices=found.prices)
    if ray.along(found) > ray.limit:
        return replace(ray, low=found, least=theta, idle=min(ray.idle, 0) - 1)
    return replace(ray, high=found, most=theta, idle=max(ray.idle, 0) + 1)


def _middle(ray: Ray) -> float:
    """Return a θ between the ends that halves the logarithm of their ratio, where both have one."""
    if ray.most == np.inf:
        return STRIDE * ray.least if ray.least > 0 else ray.crossing
    return float(np.sqrt(ray.least * ray.most)) if ray.least > 0 else ray.most / STRIDE


def best_ray(form: Separable) -> Ray:
    """Return the ray through 1/budget, closed."""
    ray = enclose(form)
    while not ray.closed:
        ray = narrow(form, ray)
    return ray


def settled(form: Separable, guess: float) -> tuple[float, Response | None]:
    """Return the least price that keeps a single budget, and the response to it, where the dual leaves no gap.

    For items held to alternatives within which everything is convex the cost falls continuously with the price, so its
    root is found by interpolation, from a guess. None where the budget cannot be kept.
    """

    def excess(price: FloatArray) -> FloatArray:
        return np.asarray(float(form.priced(1.0, price.reshape(1)).cost[0]) - float(form.budget[0]))

    price = float(decreasing_root(excess, 0.0, guess if guess > 0 else 1.0).feasible)
    if price < np.inf:
        return price, form.answer(1.0, np.array([price]))
    cheapest = form.answer(0.0, np.ones(1))
    return guess, cheapest if form.keeps(cheapest) else None


def lower_bound(form: Separable) -> float:
    """Return the best dual value along the ray through 1/budget; inf where no choice keeps the budgets.

    A proved bound on the objective (weak duality); with one budget and exact responses it is the dual's maximum.
    """
    ray = best_ray(form)
    return ray.best if ray.best == np.inf else form.proved(form.priced(1.0, ray.prices))
