"""Least total power over whole numbers of subchannels: a separable convex resource allocation, solved exactly.

With n interchangeable subchannels of width B, client k needs p_k(n) = w_k·n·(exp(d_k/n) - 1) watts, where
w_k = B·N0/g_k and d_k = payload_k·ln 2/(B·(τ - offset_k)). p_k is convex and decreasing in n, so an allocation of M
subchannels is optimal exactly when no exchange of one subchannel between two clients saves power. Exchanges of 2^s
subchannels with falling s (the scaling of Hochbaum, 1994), many disjoint pairs at a time, reach it in few vectorised
rounds.
All functions work on arrays [..., K] with any leading batch dimensions.
"""

from __future__ import annotations

import numpy as np

from rasolve.numerics import FloatArray, IntArray, snr_at


def power(noise_w: FloatArray, load: FloatArray, count: FloatArray | IntArray) -> FloatArray:
    """Return p_k(n) [..., K, W]; inf for n <= 0 or beyond floating-point range."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return np.where(count > 0, noise_w * count * np.expm1(load / count), np.inf)


def least_counts(noise_w: FloatArray, load: FloatArray, cap_w: FloatArray, most: int) -> IntArray:
    """Return the fewest subchannels [..., K] with which each client stays within its cap; `most` + 1 where none do."""
    cap_snr = cap_w / noise_w
    share = load / cap_snr
    reachable = (share < 1) & (load > 0)
    needed = cap_snr / snr_at(np.where(reachable, share, 0.5))
    counts = np.clip(np.ceil(np.where(reachable, needed, np.inf)), 1, most + 1)
    counts -= power(noise_w, load, counts - 1) <= cap_w
    counts += (power(noise_w, load, counts) > cap_w) & (counts <= most)
    return counts.astype(np.int64)


def allocate(noise_w: FloatArray, load: FloatArray, least: IntArray, like: IntArray, total: int) -> IntArray:
    """Return the counts [..., K] of least total power with `total` subchannels and at least `least` for each client.

    `like` is any allocation to start near; Σ least <= total is required.
    """
    counts = _fill(least, like, total)
    stride = 1 << max(0, (total // counts.shape[-1]).bit_length() - 1)
    while stride:
        while (moved := _exchange(noise_w, load, least, counts, stride)) is not None:
            counts = moved
        stride //= 2
    return counts


def _fill(least: IntArray, like: IntArray, total: int) -> IntArray:
    """Return counts >= least that add up to `total`, the surplus over `least` shared out as in `like`."""
    spare = total - least.sum(axis=-1, keepdims=True)
    weight = np.maximum(like - least, 0) + 1e-9
    extra = np.floor(spare * weight / weight.sum(axis=-1, keepdims=True)).astype(np.int64)
    left = spare - extra.sum(axis=-1, keepdims=True)
    return np.asarray(least + extra + (np.arange(least.shape[-1]) < left))


def _exchange(noise_w: FloatArray, load: FloatArray, least: IntArray, counts: IntArray, stride: int) -> IntArray | None:
    """Move `stride` subchannels along every pair that saves power, or return None when no pair does.

    Clients sorted by saving are paired with clients sorted by loss. By convexity nobody both saves more than the last
    loser loses and loses less than the last saver saves, so the pairs are disjoint and their savings add up. Where
    savings are lost in rounding that need not hold, so an instance moves only if its summed power falls.
    """
    now = power(noise_w, load, counts)
    saving = now - power(noise_w, load, counts + stride)
    with np.errstate(invalid="ignore"):
        loss = np.where(counts - stride >= least, power(noise_w, load, counts - stride) - now, np.inf)
    savers, losers = np.argsort(-saving, axis=-1), np.argsort(loss, axis=-1)
    pays = np.take_along_axis(saving, savers, -1) > np.take_along_axis(loss, losers, -1)
    if not pays.any():
        return None
    moved = counts.copy()
    np.put_along_axis(moved, savers, np.take_along_axis(moved, savers, -1) + stride * pays, -1)
    np.put_along_axis(moved, losers, np.take_along_axis(moved, losers, -1) - stride * pays, -1)
    falls = power(noise_w, load, moved).sum(axis=-1) < now.sum(axis=-1)
    return np.where(falls[..., None], moved, counts) if falls.any() else None
