"""Minimum cut by hand: where to split a model, round by round, and why nothing better exists.

A split is a set of layers that holds the parents of all that it holds. Those sets are the cuts of a network, and the
seconds of a round are the capacities cut. A maximum flow proves a cut; here it is computed in 32-bit whole numbers, and
what rounding leaves open is settled by looking only at the layers it leaves open.

    python examples/min_cut_by_hand.py
"""

from pathlib import Path

import rasolve as ra
from rasolve import plots
from rasolve.forms import ClosedSet
from rasolve.solvers import Limits, solve_form, solver_named
from rasolve.solvers.cuts.interiors import interiors

problem = ra.DagSplit.sample(model="googlenet", seed=3, local_steps=20)
form = problem.formulate(ClosedSet).form
network = form.network()
vertices, arcs = network.wiring.vertices, len(network.wiring.tails)
print(f"{problem.layers} layers, {len(problem.edges)} edges -> a network of {vertices} vertices and {arcs} arcs\n")

solver, limits = solver_named("min_cut"), Limits()
state = solver.init(network, limits)
print("round  best cut [s]     proved bound [s]  flow and what is paid anyway [s]  open vertices")
number = 0
while True:
    undecided = 0 if state.bound == state.objective else state.residual.entries.vertices - 2
    paid = network.constant + state.flow
    print(f"{number:5d}  {state.objective:.12f}  {state.bound:.12f}   {paid:.12f}                   {undecided:5d}")
    if solver.done(network, state, limits):
        break
    state, number = solver.step(network, state, limits), number + 1

tier = problem.tiers_of(state.value[: form.precedence.vertices])
crossing = sorted({int(p) for p, c in problem.edges if tier[p] < tier[c]})
names = ", ".join(problem.layer_name(v) for v in crossing)
print(f"\n{(tier == 0).sum()} layers on the device; sent in every step: {names}")

precedence = form.precedence
blocks = interiors(precedence)
print(f"\n{len(precedence.waists)} of {problem.layers} layers are waists: every split passes each of them whole")
print("block           layers  closed sets  enters [Mbit]  least within [Mbit]  collapses")
for block in blocks:
    name = problem.layer_name(int(precedence.order[block.end])).split(".")[0]
    sizes = f"{block.entering / 1e6:13.1f}  {block.least_size / 1e6:19.1f}"
    print(f"{name:15s} {block.end - block.begin:6d}  {len(block.sets):11d}  {sizes}  {'yes' if block.sealed else 'no'}")
by_blocks = solve_form(form, "block_wise")
print(f"\nblock-wise: {by_blocks.objective:.12f} s, {by_blocks.iterations} blocks entered")

sweep = ra.splits_by_rate(problem)
print("\nall optimal splits as the uplink goes from nothing to infinity (downlink in its ratio to it):")
below = [0.0, *(sweep.breaks_bps / 1e6)]
above = [*(sweep.breaks_bps / 1e6), float("inf")]
for low, high, split in zip(below, above, sweep.tier, strict=True):
    print(f"  {low:10.4g} to {high:10.4g} Mbit/s: {(split == 0).sum():3d} layers on the device")

Path("out").mkdir(exist_ok=True)
print("picture:", plots.split_graph(problem, ra.solve(problem), Path("out/min_cut_by_hand.png")))
