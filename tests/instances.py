"""Small random forms for tests."""

from __future__ import annotations

import numpy as np

from rasolve.forms import Load, Menu, MultipleChoice, OfdmaLink, Tail


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
