"""Whole subchannels, exactly: from deadline to deadline until none below is possible.

Each step asks for the counts of least power just below the current deadline. Either they meet it, and attain an earlier
deadline still, or they need more power than there is, and then the current deadline is proved to be the best.

    python examples/subchannels_by_hand.py
"""

import numpy as np

from rasolve.forms import OfdmaLink
from rasolve.solvers import Limits, solve_form, solver_named

rng = np.random.default_rng(7)
clients, subchannels = 6, 40
link = OfdmaLink(
    offset_s=rng.uniform(0.0, 0.3, clients),
    payload_bits=rng.uniform(5e6, 5e7, clients),
    gain=np.broadcast_to(10 ** -rng.uniform(9, 11.5, (clients, 1)), (clients, subchannels)),
    width_hz=np.full(subchannels, 5e5),
    noise_w_per_hz=4e-21,
    client_power_w=np.full(clients, 0.5),
    total_power_w=1.0,
)

solver, limits = solver_named("counts"), Limits()
state = solver.init(link, limits)
print("step  deadline [s]      proved bound [s]  subchannels per client")
step = 0
while True:
    print(f"{step:4d}  {state.objective:.12f}    {state.bound:.12f}    {state.counts}")
    if solver.done(link, state, limits):
        break
    state, step = solver.step(link, state, limits), step + 1

greedy = solve_form(link, "greedy")
above = greedy.objective / state.objective - 1
print(f"\nthe published greedy rule: {greedy.objective:.6f} s, {100 * above:.2f} % above")
print(f"one more watt in total is worth {solver.multipliers(link, state)['total_power_w']:.4f} s")
