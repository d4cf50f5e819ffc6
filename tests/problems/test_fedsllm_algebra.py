"""The algebraic model agrees with the problem's own judgement."""

from dataclasses import replace

import pyomo.environ as pyo
import pytest

import rasolve as ra
from rasolve.errors import InfeasibleError


def worst_violation(model) -> float:
    worst = 0.0
    for constraint in model.component_data_objects(pyo.Constraint):
        body = pyo.value(constraint.body)
        for limit, sign in ((constraint.lower, 1), (constraint.upper, -1)):
            if limit is not None:
                worst = max(worst, sign * (pyo.value(limit) - body) / max(1.0, abs(pyo.value(limit))))
    return worst


@pytest.mark.parametrize("sizes", [{}, {"selective": True}, {"downlink": True}, {"label_bits": 5e4}])
@pytest.mark.parametrize("name", ["auto", "baseline:a"])
def test_objective_and_constraints_at_a_decision(name, sizes):
    problem = ra.FedsLLM.sample(seed=2, clients=4, subchannels=9, **sizes)
    result = ra.solve(problem, name)
    model = problem.to_pyomo(result.decision)
    assert pyo.value(model.delay_s) == pytest.approx(result.objective, rel=1e-9)
    assert worst_violation(model) < 1e-6


def test_a_violated_limit_shows():
    problem = ra.FedsLLM.sample(seed=2, clients=4, subchannels=9)
    decision = ra.solve(problem).decision
    loud = replace(decision, main_psd_w_per_hz=decision.main_psd_w_per_hz * 3)
    assert worst_violation(problem.to_pyomo(loud)) > 0.1


def test_nothing_to_state_where_nothing_fits():
    with pytest.raises(InfeasibleError, match="each client needs one"):
        ra.FedsLLM.sample(seed=0, subchannels=3).to_pyomo()
