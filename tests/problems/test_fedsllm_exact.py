"""FedsLLM's exact optimum against exhaustion with formulas written out afresh."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.forms import OfdmaLink, Termination
from rasolve.scenario.workload import Profile
from tests.brute_force import best_flat_link


def tiny(seed: int) -> ra.FedsLLM:
    """Return a random instance: K <= 3, M, N <= 6, three blocks of their own sizes, two ranks, sometimes downlinks."""
    rng = np.random.default_rng(seed)
    clients, blocks = int(rng.integers(1, 4)), 3
    main, fed = (int(m) for m in rng.integers(clients, 7, 2))
    profile = Profile(
        model="tiny",
        forward_flops=rng.uniform(1e8, 1e10, blocks),
        backward_flops=rng.uniform(1e8, 1e10, blocks),
        activation_bits=rng.uniform(1e5, 1e7, blocks + 1),
        weight_bytes=rng.uniform(1e6, 1e7, blocks),
        saved_activation_bytes=rng.uniform(1e5, 1e6, blocks),
        params=rng.uniform(1e5, 1e6, blocks),
        adapter_forward_flops=rng.uniform(1e6, 1e8, blocks),
        adapter_backward_flops=rng.uniform(1e6, 1e8, blocks),
        adapter_params=rng.integers(100, 10_000, blocks),
        adapter_saved_bytes=rng.uniform(1e3, 1e4, blocks),
        embedding_forward_flops=1e8,
        head_forward_flops=1e9,
        head_backward_flops=1e9,
        head_saved_bytes=1e6,
        embedding_bytes=1e6,
        head_bytes=1e6,
    )
    downlinks = rng.uniform(1e6, 1e8, (2, clients)) if seed % 3 == 0 else (None, None)
    return ra.FedsLLM(
        profile=profile,
        batch_size=4,
        local_steps=int(rng.integers(1, 20)),
        ranks=(2, 8),
        rounds={2: float(rng.uniform(50, 150)), 8: float(rng.uniform(50, 150))},
        client_flops_per_s=rng.uniform(1e10, 1e12, clients),
        server_flops_per_s=1e13,
        client_power_w=rng.uniform(0.1, 1.0, clients),
        main_total_power_w=rng.uniform(0.1, 2.0),
        fed_total_power_w=rng.uniform(0.1, 2.0),
        main_gain=10 ** -rng.uniform(8, 12, (clients, 1)),
        fed_gain=10 ** -rng.uniform(8, 12, (clients, 1)),
        main_subchannel_hz=np.full(main, 10 ** rng.uniform(5, 7)),
        fed_subchannel_hz=np.full(fed, 10 ** rng.uniform(5, 7)),
        noise_w_per_hz=4e-21,
        data_sizes=np.ones(clients),
        label_bits=float(rng.integers(0, 2) * 1e4),
        main_downlink_bps=downlinks[0],
        fed_downlink_bps=downlinks[1],
        client_memory_bytes=np.full(clients, 3.5e7) if seed % 4 == 0 else None,
    )


def by_hand(p: ra.FedsLLM) -> float:
    """Return the optimum by the card's formulas, cut by cut and rank by rank, each link by exhaustion; inf if none."""
    q, b, clients = p.profile, p.batch_size, len(p.client_flops_per_s)
    best = float("inf")
    for c in range(1, 4):
        for r in (2, 8):
            adapters = r * sum(q.adapter_params[:c])
            saved = b * sum(q.saved_activation_bytes[:c]) + b * r * sum(q.adapter_saved_bytes[:c])
            memory = q.embedding_bytes + sum(q.weight_bytes[:c]) + saved + 16 * adapters + b * q.activation_bits[c] / 8
            if p.client_memory_bytes is not None and memory > p.client_memory_bytes[0]:
                continue
            forward = b * 1e8 + b * sum(q.forward_flops[j] + r * q.adapter_forward_flops[j] for j in range(c))
            backward = b * sum(q.backward_flops[j] + r * q.adapter_backward_flops[j] for j in range(c))
            rest = sum(q.forward_flops[j] + q.backward_flops[j] for j in range(c, 3))
            rest += r * sum(q.adapter_forward_flops[j] + q.adapter_backward_flops[j] for j in range(c, 3))
            server = clients * b * (rest + 2e9) / p.server_flops_per_s
            main = OfdmaLink(
                forward / p.client_flops_per_s,
                np.full(clients, b * (q.activation_bits[c] + p.label_bits)),
                p.main_gain, p.main_subchannel_hz, p.noise_w_per_hz, p.client_power_w, p.main_total_power_w,
            )  # fmt: skip
            fed = OfdmaLink(
                np.zeros(clients), np.full(clients, 32.0 * adapters),
                p.fed_gain, p.fed_subchannel_hz, p.noise_w_per_hz, p.client_power_w, p.fed_total_power_w,
            )  # fmt: skip
            down = b * q.activation_bits[c] / p.main_downlink_bps if p.main_downlink_bps is not None else 0.0
            broadcast = max(32 * adapters / p.fed_downlink_bps) if p.fed_downlink_bps is not None else 0.0
            local = best_flat_link(main) + server + max(down + backward / p.client_flops_per_s)
            best = min(best, p.rounds.table[r] * (p.local_steps * local + best_flat_link(fed) + broadcast))
    return best


@pytest.mark.parametrize("seed", range(210))
def test_exact_equals_exhaustion_and_alternating_is_never_below(seed):
    problem = tiny(seed)
    exact, heuristic = ra.solve(problem), ra.solve(problem, "alternating")
    optimum = by_hand(problem)
    if optimum == float("inf"):
        assert exact.termination is heuristic.termination is Termination.INFEASIBLE
        return
    assert exact.solver == "enumeration" and exact.termination is Termination.OPTIMAL
    assert exact.objective == pytest.approx(optimum, rel=1e-9)
    assert problem.evaluate(exact.decision).objective == exact.objective and exact.check.feasible
    assert exact.bound <= optimum * (1 + 1e-12)
    assert heuristic.objective >= optimum * (1 - 1e-12) and heuristic.bound <= optimum * (1 + 1e-12)
    for name in problem.baselines():
        assert ra.solve(problem, f"baseline:{name}", seed=seed).objective >= optimum * (1 - 1e-12)
