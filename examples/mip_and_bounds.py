"""Subchannels that differ: what a greedy rule, a local search and prices achieve, and how the rest is proved.

Every bound below holds by itself: counts alone (each client needs so many subchannels, whichever they are), prices for
single subchannels (a Lagrangian), and at last whole sets of subchannels, deadline after deadline.

    python examples/mip_and_bounds.py
"""

from pathlib import Path

import rasolve as ra
from rasolve.plots import style
from rasolve.problems.fedsllm.choice import main_link
from rasolve.solvers import solve_form

link = main_link(ra.FedsLLM.sample(seed=3, clients=8, subchannels=32, selective=True), cut=1, rank=8)
solutions = {name: solve_form(link, name) for name in ("greedy", "local_search", "lagrangian", "deadline_mip")}
best = solutions["deadline_mip"]

print("solver         deadline [s]   bound [s]   gap        above the optimum   seconds")
for name, s in solutions.items():
    above = 100 * (s.objective / best.objective - 1)
    print(f"{name:<14} {s.objective:12.6f}   {s.bound:9.6f}   {s.gap:8.1e}   {above:15.3f} %   {s.seconds:7.2f}")

print("\nstep by step:")
steps = ("", "the greedy rule", "exchanges; counts alone", "prices, and a plan rounded from them")
for line in best.history[1:]:
    what = steps[line.iteration] if line.iteration < len(steps) else "a deadline decided"
    print(f"  {what:<38} {line.bound:.6f} <= optimum <= {line.objective:.6f}")
print(f"\nproved: no owners and powers end before {best.bound:.9f} s; found: {best.objective:.9f} s")

figure = style.new_figure(7.0, 3.2)
axes = figure.subplots()
names = list(solutions)
for place, name in enumerate(names):
    s = solutions[name]
    axes.plot([s.bound, s.objective], [place, place], color=style.PALE, linewidth=6, solid_capstyle="butt")
    axes.plot(s.bound, place, "|", color=style.BLUE, markersize=14, label="proved: nothing is earlier")
    axes.plot(s.objective, place, "o", color=style.VERMILLION, label="found")
axes.axvline(best.objective, color=style.GREY, linewidth=0.8, linestyle=":")
axes.set_yticks(range(len(names)), names)
axes.set_xlabel("deadline of the last client [s]")
axes.invert_yaxis()
axes.legend(*style.legend_entries(["proved: nothing is earlier", "found"], axes), fontsize=8, frameon=False)
style.plain(axes)
style.title(figure, "Selective subchannels: plans and proved bounds")
Path("out").mkdir(exist_ok=True)
print("picture:", style.save(figure, Path("out/mip_and_bounds.png")))
