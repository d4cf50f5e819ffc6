"""The deadline trick, one step at a time: a min-max problem is a root of one decreasing function.

Clients share a band and finish when the last of them does. For a deadline τ each needs a certain bandwidth; the
summed need falls as τ grows. The optimum is where it meets the budget.

    python examples/deadline_by_hand.py
"""

from pathlib import Path

import matplotlib
import numpy as np

from rasolve.forms import MinMaxShares
from rasolve.scenario.radio import THERMAL_NOISE_W_PER_HZ, bandwidth_for_rate
from rasolve.solvers import Limits, solver_named

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BITS, POWER_W, GAIN = 20e6, np.full(4, 0.2), 10 ** -np.array([9.5, 10.0, 10.5, 11.0])
READY_S = np.array([0.10, 0.20, 0.05, 0.15])
BAND_HZ = 20e6


def need(deadline):
    """Return the bandwidth [..., 4] with which each client sends its bits between being ready and the deadline."""
    spare = deadline[..., None] - READY_S
    with np.errstate(divide="ignore"):
        return bandwidth_for_rate(BITS / np.maximum(spare, 1e-300), POWER_W, GAIN, THERMAL_NOISE_W_PER_HZ)


form = MinMaxShares(need, floor=READY_S.max(), budget=BAND_HZ, cap=np.full(4, BAND_HZ))
solver, limits = solver_named("deadline"), Limits()
state = solver.init(form, limits)
steps = [(state.bound, state.objective)]
while not solver.done(form, state, limits):
    state = solver.step(form, state, limits)
    steps.append((state.bound, state.objective))

print("step   infeasible [s]      feasible [s]        width")
for i, (low, high) in enumerate(steps):
    print(f"{i:4d}   {low:.14f}    {high:.14f}    {high - low:.1e}")
print("\nbandwidth per client [MHz]:", np.round(state.value.share / 1e6, 3))

tau = np.linspace(READY_S.max() + 0.3, 4 * state.objective, 400)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.plot(tau, need(tau).sum(axis=-1) / 1e6, label="summed need")
axis.axhline(BAND_HZ / 1e6, color="black", linestyle="--", label="band")
axis.plot(state.objective, BAND_HZ / 1e6, "o", label=f"optimum, {state.objective:.3f} s")
axis.set(xlabel="deadline [s]", ylabel="bandwidth [MHz]", ylim=(0, 3 * BAND_HZ / 1e6))
axis.legend(frameon=False)
Path("out").mkdir(exist_ok=True)
figure.savefig("out/deadline_by_hand.png", dpi=150)
print("picture: out/deadline_by_hand.png")
