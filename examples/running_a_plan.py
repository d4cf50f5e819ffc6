"""From a problem to a trained model: solve, plan, run, and compare what was predicted with what was measured.

python examples/running_a_plan.py
"""

import rasolve as ra

problem = ra.FedsLLM.sample(model="gpt-mini", clients=3, local_steps=4, batch_size=8, cuts=[1, 2, 3], seed=0)
result = ra.solve(problem)
print(result, end="\n\n")

report = ra.run(result.plan(), steps=8)
print(report, end="\n\n")

print("all bits as predicted:", report.bits_agree)
print("all FLOPs as predicted:", report.worst_flops_difference == 0)
print(f"split and unsplit losses differ by at most {report.worst_loss_difference:.1e} of the loss")
