"""Small random forms for tests."""

from __future__ import annotations

import numpy as np

from rasolve.forms import (
    FdmaShares,
    FixedDensityLink,
    Load,
    Menu,
    MultipleChoice,
    OfdmaLink,
    Response,
    Separable,
    Slots,
    Tail,
)


def link(seed: int, clients: int = 3, subchannels: int = 6, selective: bool = False, tight: str = "both") -> OfdmaLink:
    """Return a random link on which the total ("total"), the caps ("caps") or either ("both") may decide."""
    rng = np.random.default_rng(seed)
    cap = rng.uniform(0.5, 3.0, clients) * (100.0 if tight == "total" else 1.0)
    total = cap.sum() * (100.0 if tight == "caps" else rng.uniform(0.2, 1.2))
    mean = 10 ** -rng.uniform(6, 12, (clients, 1))
    shape = (clients, subchannels)
    gain = mean * rng.exponential(1.0, shape) if selective else np.broadcast_to(mean, shape)
    return OfdmaLink(
        offset_s=rng.uniform(0, 2, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 3e8, clients),
        gain=gain,
        width_hz=np.full(subchannels, 10 ** rng.uniform(4, 7)),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_power_w=float(total),
    )


def separable(seed: int, items: int, alternatives: int = 4, budgets: int = 1, slots: bool = False) -> Separable:
    """Return items with random penalties and costs, budgeted at 0.3 on average, or 0.42 where there are several."""
    rng = np.random.default_rng(seed)
    penalty = rng.uniform(0, 1, (items, alternatives))
    cost = rng.uniform(0, 1, (items, alternatives, budgets))

    def respond(at: slice, weight: float, prices: np.ndarray) -> Response:
        value = weight * penalty[at] + cost[at] @ prices
        least = value == value.min(axis=1, keepdims=True)
        return each(at, weight, prices).of(np.where(least, penalty[at], np.inf).argmin(axis=1))

    def each(at: slice, _weight: float, _prices: np.ndarray) -> Response:
        return Response(penalty[at], cost[at], (np.broadcast_to(np.arange(alternatives), penalty[at].shape),))

    kind = Slots if slots else Separable
    return kind(
        items=items, respond=respond, budget=np.full(budgets, 0.42 if budgets > 1 else 0.3), mean=True, each=each
    )


def shares(seed: int, clients: int = 4, batch: tuple[int, ...] = (), tight: str = "both") -> FdmaShares:
    """Return random continuous shares on which the total power ("total"), the caps ("caps") or either may decide."""
    rng = np.random.default_rng(seed)
    shape = (*batch, clients)
    cap = rng.uniform(0.5, 3.0, shape) * (100.0 if tight == "total" else 1.0)
    return FdmaShares(
        offset_s=rng.uniform(0, 2, shape) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 3e8, shape),
        gain=10 ** -rng.uniform(7, 12, shape),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_bandwidth_hz=10 ** rng.uniform(5, 8, batch),
        total_power_w=cap.sum(axis=-1) * (100.0 if tight == "caps" else rng.uniform(0.2, 0.9)),
    )


def stressed(seed: int, clients: int, batch: int) -> FdmaShares:
    """Return shares spread over many orders: SNR, loads, offsets, caps from slack to all but binding together."""
    rng = np.random.default_rng(seed)
    one, each = (batch, 1), (batch, clients)

    def spread(orders: float) -> np.ndarray:
        return 10 ** (rng.uniform(-1, 1, each) * rng.uniform(0, orders, one))

    load_s = 10 ** rng.uniform(-3, 3, one) * spread(4)
    snr = 10 ** rng.uniform(-8, 14, one) * spread(5)
    late = load_s.sum(axis=-1, keepdims=True) * 10 ** rng.uniform(-4, 4, one)
    offset = np.select(
        [rng.integers(0, 4, one) == kind for kind in range(3)],
        [np.zeros(each), late * rng.uniform(0, 1, each), late * 10 ** rng.uniform(-6, 0, each)],
        late * (rng.uniform(0, 1, each) < 2 / clients),
    )
    cap = spread(3)
    cap *= (1 + 10 ** rng.uniform(-6, 3, one)) / cap.sum(axis=-1, keepdims=True)
    band, power, noise = 2e7, 5.0, 4e-21
    return FdmaShares(offset, load_s * band, snr * noise * band / power, noise, cap * power, band, power)


def density_link(seed: int, clients: int = 3, subchannels: int = 6) -> FixedDensityLink:
    """Return a random link at random densities, some of them dark, on which caps may bind, also on one subchannel."""
    rng = np.random.default_rng(seed)
    power = rng.uniform(0.2, 1.0, subchannels) * (rng.random(subchannels) > 0.1)
    rate = rng.exponential(1e6, (clients, subchannels)) * (power > 0)
    return FixedDensityLink(
        offset_s=rng.uniform(0, 2, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e5, 1e7, clients),
        rate_bps=rate,
        power_w=power,
        client_power_w=rng.uniform(0.5, 2.5, clients),
    )


def wide_link(seed: int, clients: int = 3, subchannels: int = 6) -> OfdmaLink:
    """Return a selective link with unequal widths and mixed limits, of moderate SNR."""
    rng = np.random.default_rng(seed)
    cap = rng.uniform(0.5, 3.0, clients)
    return OfdmaLink(
        offset_s=rng.uniform(0, 0.5, clients) * rng.integers(0, 2),
        payload_bits=rng.uniform(1e6, 1e7, clients),
        gain=10 ** -rng.uniform(9, 12, (clients, 1)) * rng.exponential(1.0, (clients, subchannels)),
        width_hz=rng.uniform(1e5, 1e6, subchannels),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_power_w=float(cap.sum() * rng.uniform(0.2, 1.2)),
    )


def multiple_choice(
    seed: int, clients: int | None = None, options: int | None = None, loads: int = -1
) -> MultipleChoice:
    """Return a random multiple choice: up to three menus, two tails and two links, some options not allowed.

    Half of the time costs fall and delays rise with the option, as with cuts; else everything is in disorder.
    """
    rng = np.random.default_rng(seed)
    shape = clients or int(rng.integers(1, 5)), options or int(rng.integers(1, 4))
    tails = int(rng.integers(0, 3))
    links = [_flat(rng, shape[0]) for _ in range(loads if loads >= 0 else int(rng.integers(tails == 0, 3)))]
    return MultipleChoice(tuple(_menu(rng, label, shape, tails, links) for label in range(int(rng.integers(1, 4)))))


def _flat(rng: np.random.Generator, clients: int) -> OfdmaLink:
    subchannels = clients + int(rng.integers(0, 8))
    cap = rng.uniform(0.2, 3, clients) * 10 ** rng.uniform(-1, 1)
    return OfdmaLink(
        offset_s=np.zeros(clients),
        payload_bits=np.ones(clients),
        gain=np.broadcast_to(10 ** -rng.uniform(7, 12, (clients, 1)), (clients, subchannels)),
        width_hz=np.full(subchannels, 10 ** rng.uniform(4, 7)),
        noise_w_per_hz=4e-21,
        client_power_w=cap,
        total_power_w=float(cap.sum() * rng.uniform(0.2, 1.5)),
    )


def _menu(rng: np.random.Generator, label: int, shape: tuple[int, int], tails: int, links: list[OfdmaLink]) -> Menu:
    ordered = rng.random() < 0.5

    def rising(value: np.ndarray) -> np.ndarray:
        return np.sort(value, axis=1) if ordered else value

    allowed = rng.random(shape) < 0.85
    allowed[np.arange(shape[0]), rng.integers(shape[1], size=shape[0])] = True
    loads = []
    for link in links:
        payload = rising(rng.uniform(0.2, 2, shape)) * link.alone_rates().mean() * 10 ** rng.uniform(-1, 1)
        payload = payload[:, :1] if rng.random() < 0.4 else payload
        offset = rising(rng.uniform(0, 1, shape)) * rng.integers(0, 2)
        loads.append(Load(float(rng.uniform(0.2, 3)), link, offset, np.broadcast_to(payload, shape)))
    return Menu(
        label=label,
        cost=-rising(-rng.uniform(0, 2, shape) * 10 ** rng.uniform(-1, 1)),
        allowed=allowed,
        tails=tuple(Tail(float(rng.uniform(0.2, 3)), rising(rng.uniform(0, 2, shape))) for _ in range(tails)),
        loads=tuple(loads),
        constant=float(rng.uniform(0, 1)),
    )
