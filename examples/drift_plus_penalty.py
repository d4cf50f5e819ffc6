"""Drift plus penalty and its V: how a queue turns a long-term energy budget into a price, and what V trades.

In every slot the policy minimises V·delay + q·energy, knowing nothing of the slots to come; then the queue q grows by
what the slot took beyond the budget. Small V keeps the budget and ignores delay, large V the reverse. Whoever knew all
slots in advance could be no faster than the bound, which the queue over V approaches as its price.

    python examples/drift_plus_penalty.py
"""

from pathlib import Path

import numpy as np

import rasolve as ra
from rasolve import plots
from rasolve.forms import Slots
from rasolve.forms.dual import best_ray
from rasolve.forms.queues import queue_path

problem = ra.AdaptiveSplit.sample(seed=1, slots=1000, cuts=range(1, 13), energy_slack=0.0)
budget = problem.energy_budget_j
ray = best_ray(problem.formulate(Slots).form)
natural = budget**2 / ray.best
print(
    f"budget {budget:.2f} J a slot; nobody within it is below {ray.best:.2f} s; a joule is worth {ray.prices[0]:.2f} s"
)

print("\nthe first slots, as an outside loop sees them, V =", round(5 * natural))
policy = ra.OnlinePolicy.of(problem, v=5 * natural)
print("slot  queue [J]  price [s/J]  cut  clock [GHz]  delay [s]  energy [J]")
for t in range(12):
    queues, seen = policy.queues, problem.slot(t)
    decision = policy.decide(seen)
    parts = seen.evaluate(decision).parts
    delay, energy = parts["slot_s"][0], parts["energy_j"][0, 0]
    print(
        f"{t:4d}  {queues.queue[0]:9.1f}  {queues.prices[0]:11.2f}  {decision.cut[0]:3d}  "
        f"{decision.clock_hz[0] / 1e9:11.1f}  {delay:9.1f}  {energy:10.1f}"
    )
    policy.learn(energy)

print("\nV / natural  delay [s]  energy / budget  bound at what was spent [s]  above it  mean queue / V")
for factor in 10 ** np.linspace(-1, 2, 7):
    path = ra.solve(problem, "drift_plus_penalty", v=factor * natural)
    spent = path.evaluation.parts["energy_j"]
    bound = problem.replace(energy_budget_j=max(spent.mean(), budget)).lower_bound()
    queue = queue_path(spent, np.array([budget]))
    print(
        f"{factor:11.2f}  {path.objective:9.2f}  {spent.mean() / budget:15.4f}  {bound:27.2f}  "
        f"{100 * (path.objective / bound - 1):6.2f} %  {queue.mean() / (factor * natural):14.2f}"
    )
print("\nno path is below the bound at what it spent, and the queue over V approaches what a joule is worth")

Path("out").mkdir(exist_ok=True)
print("picture:", plots.tradeoff(problem, Path("out/drift_plus_penalty_v.png")))
middle = ra.solve(problem, "drift_plus_penalty", v=5 * natural)
print("picture:", plots.queues(problem, middle, Path("out/drift_plus_penalty.png")))
