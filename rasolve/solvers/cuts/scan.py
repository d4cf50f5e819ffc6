"""What closed sets cost that end at a waist of the order, all of them at once: the scan of `chain` and `block_wise`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rasolve.forms import ClosedSet
from rasolve.forms.precedence import Mask, Precedence
from rasolve.numerics import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Segments:
    """Lists of vertices, to be summed one by one: ``index`` holds them in a row, list i begins at ``starts[i]``.

    Every list ends with one vertex too many, worth nothing, so that none is empty.
    """

    index: IntArray
    starts: IntArray

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum [..., lists] of values [..., vertices] over every list."""
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        return np.asarray(np.add.reduceat(padded[..., self.index], self.starts, axis=-1))


def segments(vertex: IntArray, begin: IntArray, end: IntArray, lists: int, vertices: int) -> Segments:
    """Return `lists` lists: each vertex given is in those from its `begin` on to before its `end`."""
    length = np.maximum(end - begin, 0)
    nth = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    owner = np.append(np.repeat(begin, length) + nth, np.arange(lists))
    index = np.append(np.repeat(vertex, length), np.full(lists, vertices))
    in_turn = np.argsort(owner, kind="stable")
    return Segments(index[in_turn], np.searchsorted(owner[in_turn], np.arange(lists)))


@lru_cache(maxsize=64)
def open_at_waists(precedence: Precedence) -> Segments:
    """Return the vertices up to each waist with a consumer behind it: those that pay when a set ends there."""
    waists, n = precedence.waists, precedence.vertices
    begin = np.searchsorted(waists, np.arange(n))
    end = np.searchsorted(waists, precedence.last_consumer)
    return segments(precedence.order, begin, end, len(waists), n)


def waist_costs(form: ClosedSet) -> FloatArray:
    """Return the cost [..., waists] of the closed sets that end at each waist."""
    before, behind = running_costs(form)
    waists = form.precedence.waists + 1
    return before[..., waists] + behind[..., waists] + open_at_waists(form.precedence).sums(form.toll)


def running_costs(form: ClosedSet) -> tuple[FloatArray, FloatArray]:
    """Return what the first i positions cost inside, and what all others cost outside [..., vertices + 1]."""
    order = form.precedence.order
    return running(form.inside[..., order]), running(form.outside[..., order[::-1]])[..., ::-1]


def running(values: FloatArray) -> FloatArray:
    """Return the sums [..., n + 1] of the first 0..n of values [..., n]."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums


def first(precedence: Precedence, length: IntArray) -> Mask:
    """Return the sets [..., vertices] that consist of so many [...] first positions."""
    return np.asarray(precedence.position < np.asarray(length)[..., None])
