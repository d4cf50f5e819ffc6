"""Plans by protocol: each is read as what it is, and refuses what it cannot hold."""

import json

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.plan import DagPlan, Plan, Prediction, SplitFederatedPlan, Stage, dag_prediction
from rasolve.plan.dag import crossing

EDGES = np.array([[0, 1], [1, 2], [1, 3], [0, 3], [2, 4], [3, 4]])
"""A diamond with a shortcut from the input."""

SIZES = {
    "edges": EDGES,
    "inputs": np.array([0]),
    "output_bits": np.array([100.0, 10.0, 20.0, 30.0, 5.0]),
    "weight_bits": np.array([0.0, 7.0, 8.0, 9.0, 1.0]),
    "device_seconds": np.array([0.0, 4.0, 5.0, 6.0, 7.0]),
    "server_seconds": np.array([0.0, 1.0, 2.0, 3.0, 4.0]),
    "forward_flops": np.array([0.0, 10.0, 20.0, 30.0, 40.0]),
    "backward_flops": np.array([0.0, 10.0, 40.0, 60.0, 80.0]),
    "label_bits": 8.0,
    "uplink_bps": 10.0,
    "downlink_bps": 5.0,
}


def dag_plan(tier=(0, 0, 0, 1, 1), **changes):
    tier = np.array(tier)
    fields = {
        "problem": "dag-split",
        "solver": "by hand",
        "protocol": "dag",
        "batch_size": 1,
        "local_steps": 2,
        "rounds": 1,
        "rounds_source": "one round",
        "tier": tier,
        "uplink_bps": 10.0,
        "downlink_bps": 5.0,
        "objective": 1.0,
        "prediction": dag_prediction(tier=tier, **SIZES),
    }
    return DagPlan(**{**fields, **changes})


def predicted(tier, **changes):
    rows = dag_prediction(tier=np.array(tier), **{**SIZES, **changes})
    return {(p.stage, p.quantity): p.value for p in rows}


def test_every_crossing_output_counts_once_and_inputs_get_no_gradient():
    assert crossing(EDGES, np.array([0, 0, 0, 1, 1])).tolist() == [True, True, True, False, False]
    found = predicted([0, 0, 0, 1, 1])
    assert found[Stage.ACTIVATIONS, "bits"] == 100 + 10 + 20
    assert found[Stage.GRADIENTS, "bits"] == 10 + 20
    assert found[Stage.WEIGHTS_UP, "bits"] == found[Stage.WEIGHTS_DOWN, "bits"] == 15
    assert found[Stage.LABELS, "bits"] == 8
    assert found[Stage.ACTIVATIONS, "seconds"] == 13 and found[Stage.GRADIENTS, "seconds"] == 6
    assert found[Stage.CLIENT_FORWARD, "flops"] == 30 and found[Stage.CLIENT_BACKWARD, "flops"] == 50
    assert found[Stage.SERVER, "flops"] == 30 + 60 + 40 + 80
    assert found[Stage.CLIENT_FORWARD, "seconds"] == pytest.approx(9 * 30 / 80)
    assert found[Stage.CLIENT_BACKWARD, "seconds"] == pytest.approx(9 * 50 / 80)
    assert found[Stage.SERVER, "seconds"] == 7


def test_seconds_without_flops_are_one_third_forward():
    found = predicted([0, 0, 0, 1, 1], forward_flops=None, backward_flops=None)
    assert found[Stage.CLIENT_FORWARD, "seconds"] == pytest.approx(3)
    assert not any(quantity == "flops" for _, quantity in found)


def test_nothing_crosses_where_all_is_on_one_side():
    here = predicted([0, 0, 0, 0, 0])
    assert {here[stage, "bits"] for stage in (Stage.ACTIVATIONS, Stage.GRADIENTS, Stage.LABELS)} == {0}
    there = predicted([0, 1, 1, 1, 1])
    assert there[Stage.ACTIVATIONS, "bits"] == 100 and there[Stage.GRADIENTS, "bits"] == 0
    assert there[Stage.WEIGHTS_UP, "bits"] == 0


def test_the_seconds_add_up_to_the_published_objective():
    """T = weights·(1/up + 1/down) + N·(computing) + N·(crossing), with parallel consumers counted once."""
    steps, tier = 3, np.array([0, 0, 1, 0, 1])
    rows = dag_prediction(tier=tier, **SIZES)
    total = sum(p.value * (1 if p.per == "round" else steps) for p in rows if p.quantity == "seconds")
    weights = (7 + 9) * (1 / 10 + 1 / 5)
    computing = (4 + 6) + (2 + 4)
    sent = (10 + 30) * (1 / 10 + 1 / 5)
    assert total == pytest.approx(weights + steps * (computing + sent))


def test_a_party_works_at_its_predicted_speed():
    assert dag_plan().speeds == {"client 1": pytest.approx(80 / 9), "server": 30.0}
    assert dag_plan(tier=[0, 1, 1, 1, 1]).speeds.keys() == {"server"}


def test_a_plan_is_read_as_its_protocol_says(tmp_path):
    for plan in (dag_plan(), ra.solve(ra.FedsLLM.sample(seed=0, clients=3, subchannels=7)).plan()):
        again = Plan.load(plan.save(tmp_path / "plan.json"))
        assert type(again) is type(plan) and again.to_json() == plan.to_json()
        assert type(plan).load(tmp_path / "plan.json").to_json() == plan.to_json()
    assert ra.Plan is Plan and isinstance(plan, SplitFederatedPlan)


def test_plans_of_no_known_protocol_are_refused():
    stored = json.loads(dag_plan().to_json())
    for change, message in (
        ({"protocol": "dgа"}, "unknown protocol 'dgа'; "),
        ({"protocol": 3}, "unknown protocol '3'; known: dag, split_federated"),
        ({"kind": "result"}, "this is a result document, not a plan"),
        ({"tier": [0, 3]}, r"tier\[1\] = 3 must be at most 2"),
        ({"names": ["a"]}, "names has 1 entries for 5 tiers"),
        ({"uplink_bps": 0}, "uplink_bps = 0: must be above 0"),
    ):
        with pytest.raises(InputError, match=message):
            Plan.from_fields({**stored, **change})
    del stored["protocol"]
    with pytest.raises(InputError, match="plan: field 'protocol' is missing"):
        Plan.from_fields(stored)


def test_predictions_of_a_second_device_are_refused():
    row = Prediction(party="client 2", stage=Stage.GRADIENTS, quantity="bits", value=1)
    with pytest.raises(InputError, match=r"prediction.0.party = 'client 2': the plan has 1 clients"):
        dag_plan(prediction=[row])


def test_three_tiers_are_held_but_not_predicted():
    assert dag_plan(tier=[0, 0, 1, 1, 1]).replace(tier=[0, 0, 1, 1, 2]).says == (
        "of 5 layers 2 on the device, 2 on the server, 1 in the cloud"
    )
    with pytest.raises(InputError, match="tier = 2: must be at most 1 to predict"):
        predicted([0, 0, 1, 1, 2])


def test_a_plan_of_no_model_says_why_it_cannot_be_run():
    assert dag_plan().obstacle == "the plan names no model which can be built"
    named = dag_plan(model="no such", names=list("abcde"))
    assert named.obstacle.startswith("the plan's model 'no such' is none of those that can be built: ")
