"""Continuous bandwidth and power: two prices.

Clients share a band and a total power and finish when the last of them does. A deadline says which rate each owes. A
price of bandwidth in power says how each pays for its rate: more hertz with a poor channel, more bits per hertz with a
good one. Whatever the price, what the rates cost at least is a bound on the deadline; at the right price the plan that
pays so costs exactly the budgets.

    python examples/two_prices.py
"""

from pathlib import Path

import matplotlib
import numpy as np

from rasolve.forms import FdmaAllocation, FdmaShares
from rasolve.numerics import decreasing_root, efficiency
from rasolve.solvers import Limits, solver_named

matplotlib.use("Agg")
from matplotlib import pyplot as plt

rng = np.random.default_rng(3)
link = FdmaShares(
    offset_s=rng.uniform(0.0, 0.05, 8),
    payload_bits=rng.uniform(2e7, 6e7, 8),
    gain=10 ** -rng.uniform(9.0, 12.5, 8),
    noise_w_per_hz=4e-21,
    client_power_w=np.full(8, 2.0),
    total_bandwidth_hz=20e6,
    total_power_w=1.0,
)
snr = link.gain / link.noise_w_per_hz
late, band, power = link.offset_s.max(), float(link.total_bandwidth_hz), float(link.total_power_w)

solver, limits = solver_named("fdma"), Limits(gap=1e-13)
state = solver.init(link, limits)
print("step   proved bound [s]    plan [s]            gap")
step = 0
while not solver.done(link, state, limits):
    state, step = solver.step(link, state, limits), step + 1
    print(f"{step:4d}   {state.bound:.14f}    {state.objective:.14f}    {state.gap:.1e}")
plan, worth = state.value, solver.multipliers(link, state)
price = worth["total_bandwidth_hz"] / worth["total_power_w"]
print(
    f"\none more MHz is worth {1e6 * worth['total_bandwidth_hz']:.4f} s, one more watt {worth['total_power_w']:.4f} s"
)
print(f"the price of bandwidth in power: {1e6 * price:.4f} W/MHz")


def bound_and_plan(price_w_per_hz):
    """Return the deadline that a price proves and the one that its plan attains, no cap binding [s]."""
    nats_per_hz = efficiency(price_w_per_hz * snr)
    watts_per_nat = np.exp(nats_per_hz) / snr  # the cheapest nat: price times hertz plus watts

    def nats_per_s(deadline):
        return link.payload_bits * np.log(2) / (deadline[..., None] - link.offset_s)

    def lack(deadline):
        owed = (watts_per_nat * nats_per_s(deadline)).sum(axis=-1)
        return np.log(owed / (price_w_per_hz * band + power))

    proved = decreasing_root(lack, late, late + 1.0).feasible
    width = nats_per_s(proved) / nats_per_hz
    paid = FdmaAllocation(width, width * np.expm1(nats_per_hz) / snr)
    stretched = FdmaAllocation(paid.bandwidth_hz * band / width.sum(), paid.power_w * power / paid.power_w.sum())
    return float(proved), link.objective(stretched)


prices = price * np.geomspace(0.02, 50, 121)
proved, attained = np.array([bound_and_plan(each) for each in prices]).T

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.plot(1e6 * prices, attained, color="#e69f00", label="attained by its plan")
left.plot(1e6 * prices, proved, color="#0072b2", label="proved by the price")
left.plot(1e6 * price, state.objective, "o", color="black", label="optimum")
left.set(xscale="log", xlabel="price of bandwidth in power [W/MHz]", ylabel="deadline [s]")
left.set_ylim(0.4 * proved.max(), 1.6 * proved.max())
left.legend(frameon=False, fontsize=9, loc="lower center")

order = np.argsort(link.gain)
rows = np.arange(len(order))
right.barh(rows - 0.2, 100 * plan.bandwidth_hz[order] / band, height=0.38, color="#0072b2", label="of the band")
right.barh(rows + 0.2, 100 * plan.power_w[order] / power, height=0.38, color="#d55e00", label="of the power")
right.set_yticks(rows, [f"{10 * np.log10(g):.0f} dB" for g in link.gain[order]])
right.set(xlabel="share [%]", ylabel="client, by channel gain")
right.legend(frameon=False)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
Path("out").mkdir(exist_ok=True)
figure.savefig("out/two_prices.png", dpi=150)
print("picture: out/two_prices.png")
