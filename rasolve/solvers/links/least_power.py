"""Least total power over whole numbers of subchannels: a separable convex resource allocation, solved exactly.

With n interchangeable subchannels of width B, client k needs p_k(n) = w_k·n·(exp(d_k/n) - 1) watts, where
w_k = B·N0/g_k and d_k = payload_k·ln 2/(B·(τ - offset_k)). p_k is convex and decreasing in n, so an allocation of M
subchannels is optimal exactly when no exchange of one subchannel between two clients saves power. Exchanges of s
subchannels, many disjoint pairs at a time, reach it in few vectorised rounds: s doubles from 1 for as long as exchanges
pay, so that an optimal start costs one look, and then falls to 1 again (the scaling of Hochbaum, 1994).
All functions work on arrays [..., K] with any leading batch dimensions; instances that are done leave the arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rasolve.numerics import FloatArray, IntArray, snr_at


@np.errstate(over="ignore")
def power(noise_w: FloatArray, load: FloatArray, count: FloatArray | IntArray) -> FloatArray:
    """Return p_k(n) [..., K, W] for n >= 1; inf beyond floating-point range."""
    return _power(noise_w, load, count)


def _power(noise_w: FloatArray, load: FloatArray, count: FloatArray | IntArray) -> FloatArray:
    return np.asarray(noise_w * count * np.expm1(load / count))


@np.errstate(over="ignore")
def least_counts(noise_w: FloatArray, load: FloatArray, cap_w: FloatArray, most: int) -> IntArray:
    """Return the fewest subchannels [..., K] with which each client stays within its cap; `most` + 1 where none do."""
    cap_snr = cap_w / noise_w
    share = load / cap_snr
    reachable = (share < 1) & (load > 0)
    needed = np.ceil(cap_snr / snr_at(np.where(reachable, share, 0.5)))
    counts = np.where(reachable, np.minimum(needed, most + 1), most + 1)
    fewer = np.maximum(counts - 1, 1)
    counts = np.where(_power(noise_w, load, fewer) <= cap_w, fewer, counts)
    counts += (_power(noise_w, load, counts) > cap_w) & (counts <= most)
    return counts.astype(np.int64)


@np.errstate(over="ignore")
def allocate(
    noise_w: FloatArray, load: FloatArray, least: IntArray, like: IntArray, total: int
) -> tuple[IntArray, FloatArray]:
    """Return the counts of least total power, at least `least` and `total` in all, and their powers; arrays [..., K].

    `like` are counts to start near. Σ least <= total and finite powers at `least` are required.
    """
    shape, clients = least.shape, least.shape[-1]
    flat = [np.asarray(array, dtype=np.float64).reshape(-1, clients) for array in (noise_w, load, least)]
    counts = _filled(flat[2], like.reshape(-1, clients), total)
    now = _power(flat[0], flat[1], counts)
    best, powers, left = counts, now, np.arange(len(counts))
    stride, growing = np.ones((len(counts), 1)), np.ones((len(counts), 1), dtype=bool)
    while left.size:
        counts, now, fell = _exchanged(flat[0], flat[1], flat[2], counts, now, stride)
        growing = growing & fell
        grown = np.where(growing, np.minimum(2 * stride, max(total // clients, 1)), stride)
        stride = np.where(fell, grown, stride // 2)
        going = stride[:, 0] > 0
        if not going.all():
            best[left], powers[left] = counts, now
            left, counts, now, stride, growing = left[going], counts[going], now[going], stride[going], growing[going]
            flat = [array[going] for array in flat]
    return best.astype(np.int64).reshape(shape), powers.reshape(shape)


def _filled(least: FloatArray, like: IntArray, total: int) -> FloatArray:
    """Return counts [N, K] >= least that add up to `total`, the surplus over `least` shared out as in `like`."""
    weight = np.maximum(like - least, 1e-9).cumsum(axis=-1)
    spare = total - least.sum(axis=-1, keepdims=True)
    upto = np.rint(weight * (spare / weight[:, -1:]))
    counts: FloatArray = least + upto
    counts[:, 1:] -= upto[:, :-1]
    return counts


def _exchanged(
    noise_w: FloatArray, load: FloatArray, least: FloatArray, counts: FloatArray, now: FloatArray, stride: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return counts and powers after `stride` [N, 1] went along every pair that saves power, and whose power fell.

    Where savings are lost in rounding pairs need not be disjoint, so an instance moves only if its summed power falls.
    """
    fewer = counts - stride
    saving = now - _power(noise_w, load, counts + stride)
    loss = np.where(fewer >= least, _power(noise_w, load, np.maximum(fewer, least)) - now, np.inf)
    if not (saving.max(axis=-1) > loss.min(axis=-1)).any():
        return counts, now, np.zeros(stride.shape, dtype=bool)
    moved = counts + stride * _pairs(saving, loss)
    then = _power(noise_w, load, moved)
    fell = then.sum(axis=-1, keepdims=True) < now.sum(axis=-1, keepdims=True)
    return np.where(fell, moved, counts), np.where(fell, then, now), fell


def _pairs(saving: FloatArray, loss: FloatArray) -> IntArray:
    """Return +1 for every client of [N, K] that gains in a pair, -1 for every one that loses, 0 for the others.

    The j-th largest saving is paired with the j-th smallest loss for as long as it exceeds it. By convexity nobody both
    saves more than the last loser loses and loses less than the last saver saves, so the pairs are disjoint and their
    savings add up. Among equals the first clients are taken.
    """
    savings, losses = np.sort(saving, axis=-1)[:, ::-1], np.sort(loss, axis=-1)
    pairs = np.count_nonzero(savings > losses, axis=-1)
    last = np.arange(len(pairs)), pairs - 1
    gains, loses = saving >= savings[last][:, None], loss <= losses[last][:, None]
    return _first(gains, pairs) - _first(loses, pairs)


def _first(chosen: NDArray[np.bool_], most: IntArray) -> IntArray:
    """Return 1 for the first `most` [N] chosen clients of each row of [N, K], 0 for the others."""
    return np.asarray(chosen & (chosen.cumsum(axis=-1) <= most[:, None]), dtype=np.int64)
