"""Two general methods, step by step, on a problem that fits on paper: least energy within a deadline.

Two devices upload one after the other. More power is faster and costs more energy; the far device needs more of it.
How much power each, so that both are done in time with the least energy? The deadline is a curve in the plane of the
two powers, and at the optimum it touches a line of equal energy: that is what multipliers say.

    python examples/power_and_deadline_by_hand.py
"""

from pathlib import Path

import matplotlib
import numpy as np

from rasolve.forms import SmoothProgram, check_derivatives
from rasolve.solvers import Limits, solver_named

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BITS, BAND_HZ, DEADLINE_S = 5e6, 1e6, 1.3
SNR_PER_W = np.array([2.5e4, 1.5e3])


def upload_s(power):
    """Return the seconds [..., 2] that the uploads take, and how they change with power."""
    rate = BAND_HZ * np.log2(1 + SNR_PER_W * power)
    slope = BAND_HZ / np.log(2) * SNR_PER_W / (1 + SNR_PER_W * power)
    return BITS / rate, -BITS * slope / rate**2


def energy_j(power):
    """Return the joules [...] that both uploads cost."""
    return (power * upload_s(power)[0]).sum(axis=-1)


form = SmoothProgram(
    objective=energy_j,
    start=[0.008, 0.02],
    gradient=lambda p: upload_s(p)[0] + p * upload_s(p)[1],
    inequalities=lambda p: [upload_s(p)[0].sum() - DEADLINE_S],
    inequality_jacobian=lambda p: upload_s(p)[1][None, :],
    lower=1e-3,
    upper=0.5,
    inequality_names=("deadline",),
)
print("derivatives:", form.derivatives, "- wrong ones:", check_derivatives(form) or "none")


def stepped(name, **options):
    """Step through a solver by hand, print every step, and return it with its last state and all points."""
    solver, limits = solver_named(name, options), Limits()
    state = solver.init(form, limits)
    path = [state.x]
    print(f"\n{name}\nstep   powers [mW]        energy [mJ]   too late [s]   worth of a millisecond [mJ]   error")
    while True:
        worth = state.view.unscaled(state.multipliers)[0][0]
        late = max(0.0, form.values(state.x).inequalities[0])
        row = f"{len(path) - 1:4d}   {1e3 * state.x[0]:7.3f} {1e3 * state.x[1]:8.3f}   {1e3 * energy_j(state.x):11.6f}"
        print(f"{row}   {late:12.1e}   {worth:27.6f}   {state.error:.0e}")
        if solver.done(form, state, limits):
            return solver, state, np.array(path)
        state = solver.step(form, state, limits)
        path.append(state.x)


answers = {
    "sqp": stepped("sqp"),
    "augmented_lagrangian": stepped("augmented_lagrangian", penalty=0.5),  # low, so that the steps can be seen
}
solver, state, _ = answers["sqp"]
worth = solver.multipliers(form, state)["inequalities"][0]
print(f"\none more millisecond would save {worth:.3f} mJ of {1e3 * state.objective:.3f} mJ")

near, far = np.meshgrid(np.linspace(2, 75, 300), np.linspace(4, 115, 300))
powers = np.stack([near, far], axis=-1) / 1e3
too_late = upload_s(powers)[0].sum(axis=-1) - DEADLINE_S
figure, panels = plt.subplots(1, 2, figsize=(10.5, 5.0), sharey=True, layout="constrained")
for axes, (name, (_, last, path)) in zip(panels, answers.items(), strict=True):
    levels = [level for level in range(10, 130, 10) if level != 60]
    lines = axes.contour(near, far, 1e3 * energy_j(powers), levels=levels, colors="#56b4e9", linewidths=0.9)
    axes.clabel(lines, levels=levels[1::2], fmt="%.0f mJ", fontsize=8)
    axes.contour(near, far, 1e3 * energy_j(powers), levels=[1e3 * last.objective], colors="#0072b2", linewidths=2.2)
    axes.contourf(near, far, too_late, levels=[0, np.inf], colors=["#d55e00"], alpha=0.15)
    axes.contour(near, far, too_late, levels=[0], colors=["#d55e00"], linewidths=2.2)
    axes.plot(*(1e3 * path.T), "o-", color="#222222", ms=5, lw=1.3)
    apart = [0, *(i for i in range(1, len(path)) if np.abs(path[i] - path[i - 1]).max() > 4e-3)]
    for i in apart:
        axes.annotate(str(i), 1e3 * path[i], xytext=(6, -11), textcoords="offset points", fontsize=10)
    axes.plot(*(1e3 * last.x), "*", color="#009e73", ms=17, zorder=3)
    axes.text(0.97, 0.05, "too late", transform=axes.transAxes, color="#d55e00", fontsize=11, ha="right")
    axes.text(0.97, 0.95, "in time", transform=axes.transAxes, fontsize=11, va="top", ha="right")
    axes.set(xlabel="power of the near device [mW]", xlim=(2, 75), ylim=(4, 115))
    axes.set_title(f"{name.replace('_', ' ')}: {len(path) - 1} steps", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("power of the far device [mW]")
figure.suptitle(
    "Least energy in time: there a line of equal energy touches the deadline", x=0.01, ha="left", fontsize=12
)
Path("out").mkdir(exist_ok=True)
figure.savefig("out/power_and_deadline_by_hand.png", dpi=150)
print("picture: out/power_and_deadline_by_hand.png")
