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
from numpy.typing import ArrayLike, NDArray

from rasolve.numerics import FloatArray, IntArray, snr_at


def power(noise_w: FloatArray, load: FloatArray, count: FloatArray | IntArray) -> FloatArray:
    """Return p_k(n) [..., K, W]; inf for n <= 0 or beyond floating-point range."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.where(count > 0, noise_w * count * np.expm1(load / count), np.inf)


def least_counts(noise_w: FloatArray, load: FloatArray, cap_w: FloatArray, most: ArrayLike) -> IntArray:
    """Return the fewest subchannels [..., K] with which each client stays within its cap; `most` + 1 where none do.

    `most` broadcasts against [..., K].
    """
    most = np.asarray(most)
    cap_snr = cap_w / noise_w
    share = load / cap_snr
    reachable = (share < 1) & (load > 0)
    needed = cap_snr / snr_at(np.where(reachable, share, 0.5))
    counts = np.clip(np.ceil(np.where(reachable, needed, np.inf)), 1, most + 1)
    counts -= power(noise_w, load, counts - 1) <= cap_w
    counts += (power(noise_w, load, counts) > cap_w) & (counts <= most)
    return counts.astype(np.int64)


def allocate(noise_w: FloatArray, load: FloatArray, least: IntArray, like: IntArray, total: ArrayLike) -> IntArray:
    """Return the counts [..., K] of least total power with `total` [...] subchannels, at least `least` to each client.

    `like` is any allocation to start near; Σ least <= total and finite powers at `least` are required.
    """
    best = _filled(least, like, np.asarray(total)[..., None])
    shape, clients = best.shape, best.shape[-1]
    best = best.reshape(-1, clients)
    noise_w, load, floor = (np.broadcast_to(array, shape).reshape(-1, clients) for array in (noise_w, load, least))
    left, counts, now = np.arange(len(best)), best, _needed(noise_w, load, best)
    stride, growing = np.ones((len(best), 1)), np.ones((len(best), 1), dtype=bool)
    longest = np.maximum(best.sum(axis=-1, keepdims=True) // clients, 1.0)
    while left.size:
        counts, now, fell = _exchanged(noise_w, load, floor, counts, now, stride)
        stride = np.where(fell, np.where(growing, np.minimum(2 * stride, longest), stride), stride // 2)
        growing = growing & fell
        going = stride[:, 0] > 0
        if not going.all():
            best[left[~going]] = counts[~going]
            left, counts, now, stride, growing, longest, noise_w, load, floor = (
                array[going] for array in (left, counts, now, stride, growing, longest, noise_w, load, floor)
            )
    return best.astype(np.int64).reshape(shape)


def _needed(noise_w: FloatArray, load: FloatArray, counts: FloatArray) -> FloatArray:
    """Return p_k(n) [N, K, W] for n >= 1."""
    return np.asarray(noise_w * counts * np.expm1(load / counts))


def _filled(least: IntArray, like: IntArray, total: IntArray) -> FloatArray:
    """Return counts >= least that add up to `total` [..., 1], the surplus over `least` shared out as in `like`."""
    weight = np.cumsum(np.maximum(like - least, 1e-9), axis=-1)
    spare = total - least.sum(axis=-1, keepdims=True)
    upto = np.rint(weight * (spare / weight[..., -1:]))
    return np.asarray(least + np.diff(upto, axis=-1, prepend=0.0))


def _exchanged(
    noise_w: FloatArray, load: FloatArray, least: IntArray, counts: FloatArray, now: FloatArray, stride: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return counts and powers [N, K] after `stride` [N, 1] went along every pair that saves power, and who gained [N, 1].

    Where savings are lost in rounding pairs need not be disjoint, so an instance moves only if its summed power falls.
    """
    fewer = counts - stride
    saving = now - _needed(noise_w, load, counts + stride)
    loss = np.where(fewer >= least, _needed(noise_w, load, np.maximum(fewer, least)) - now, np.inf)
    if not (saving.max(axis=-1) > loss.min(axis=-1)).any():
        return counts, now, np.zeros(stride.shape, dtype=bool)
    moved = counts + stride * _pairs(saving, loss)
    then = _needed(noise_w, load, moved)
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
