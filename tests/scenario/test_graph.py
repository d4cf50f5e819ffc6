from itertools import pairwise

import numpy as np
import pytest

from rasolve.acyclic import cycle, topological_order
from rasolve.errors import InputError
from rasolve.scenario.graph import GraphProfile, graph_named, graphs

GOOD = {
    "model": "toy",
    "names": ("x", "a", "b", "c"),
    "edges": [[0, 1], [0, 2], [1, 3], [2, 3]],
    "forward_flops": [0, 1, 2, 3],
    "backward_flops": [0, 2, 4, 6],
    "output_bits": [8, 4, 2, 1],
    "weight_bits": [0, 1, 1, 1],
}


def test_a_profile_comes_back_from_its_file(tmp_path):
    profile = GraphProfile(**GOOD, block_of=[-1, 0, 0, -1], saved_bytes=[1, 1, 1, 1])
    again = GraphProfile.load(profile.save(tmp_path / "toy.json"))
    assert again.to_json() == profile.to_json() and again.vertices == 4 and again.inputs.tolist() == [0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ()}, "names is empty: a model has at least its input and one layer"),
        ({"names": ("x", "a", "a", "c")}, "names holds 'a' twice"),
        ({"names": ("x", "a")}, "forward_flops has 4 entries for 2 names"),
        ({"edges": [[0, 1], [1, 2], [2, 1], [2, 3]]}, "edges make a cycle: a -> b -> a"),
        ({"edges": [[0, 1], [0, 3], [3, 2]]}, "names: 'b' stands before its parent 'c'; a topological order is needed"),
        ({"edges": [[0, 1], [0, 2]]}, "vertex 'c' has no path from an input"),
        ({"edges": [[0, 1], [0, 2], [1, 9]]}, "edges names vertex 9: must be at most 3"),
        ({"inputs": [0, 7]}, "inputs names vertex 7: must be at most 3"),
        ({"inputs": [0, 1]}, "inputs holds vertex 'a', which has parents: raw data has none"),
        ({"output_bits": [8, -4, 2, 1]}, "output_bits[1] = -4 must be at least 0"),
        ({"weight_bits": [0, float("nan"), 1, 1]}, "weight_bits[1] = nan is not finite"),
        ({"block_of": [0, -2, 0, 0]}, "block_of[1] = -2 must be at least -1"),
        ({"saved_bytes": [1, 1]}, "saved_bytes has shape [2], but [V] is [4] elsewhere"),
    ],
)
def test_bad_profiles_are_named(change, message):
    with pytest.raises(InputError) as caught:
        GraphProfile(**{**GOOD, **change})
    assert message in str(caught.value)


def test_shipped_profiles_are_named():
    assert {"resnet18", "resnet50", "googlenet", "densenet121", "gpt2-s", "vit-b-16"} <= set(graphs())
    assert graph_named("resnet18") is graph_named("resnet18")
    with pytest.raises(InputError, match="unknown model 'resnet-18'; did you mean"):
        graph_named("resnet-18")


def test_orders_put_parents_first_and_cycles_are_walked():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(2, 12))
        edges = rng.integers(0, n, (int(rng.integers(1, 14)), 2))
        order = topological_order(edges, n)
        if order is None:
            walk = cycle(edges, n)
            known = {tuple(edge) for edge in edges.tolist()}
            assert walk[0] == walk[-1] and all(step in known for step in pairwise(walk))
            assert len(set(walk)) == len(walk) - 1
        else:
            place = np.argsort(order)
            assert sorted(order) == list(range(n)) and (place[edges[:, 0]] < place[edges[:, 1]]).all()
