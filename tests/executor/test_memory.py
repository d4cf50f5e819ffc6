"""What parties hold: the ledger by itself, and its peaks against the prediction."""

import gc

import pytest
import torch
from executor_plans import TINY, plan

import rasolve as ra
from rasolve.executor.data import load
from rasolve.executor.ledger import Ledger
from rasolve.executor.models import build
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.run import run
from rasolve.scenario.workload import architecture

GPT2_S_BLOCKS = architecture("gpt2-s").replace(name="two blocks of gpt2-s", blocks=2, vocabulary=128)
SPECS = {spec.name: spec for spec in (TINY, architecture("gpt-mini"), architecture("vit-mini"))}
KILO = 8 * 125  # bytes of 125 numbers in float64


def numbers(**options):
    return torch.ones(125, dtype=torch.float64, **options)


def test_saved_tensors_count_until_autograd_lets_go_of_them():
    leaf = numbers(requires_grad=True)
    ledger = Ledger(lambda: [leaf])
    with ledger.watching():
        first = leaf.exp()  # keeps its result
        second = first.exp()  # keeps its result, needs no more of `first`
        third = second.sum()
    assert ledger.passing_bytes == 2 * KILO and ledger.peak == 3 * KILO
    del first, second, third
    assert ledger.passing_bytes == 0 and ledger.peak == 3 * KILO


def test_a_storage_counts_once_however_often_it_is_saved_or_held():
    leaf = numbers(requires_grad=True)
    ledger = Ledger(list)
    with ledger.watching():
        result = leaf * leaf  # keeps the leaf twice
    ledger.hold(leaf)
    assert ledger.passing_bytes == KILO == ledger.peak
    del result
    assert ledger.passing_bytes == KILO, "the leaf lives"


def test_what_stands_is_not_counted_again_where_it_is_saved():
    leaf = numbers(requires_grad=True)
    ledger = Ledger(lambda: [leaf])
    with ledger.watching():
        result = leaf * leaf
    assert ledger.passing_bytes == 0 and ledger.peak == KILO and result.requires_grad


def test_gradients_count_from_the_moment_they_come():
    low, high = numbers(requires_grad=True), numbers(requires_grad=True)

    def standing():
        return [each for leaf in (low, high) for each in (leaf, leaf.grad) if each is not None]

    ledger = Ledger(standing)
    with ledger.watching():
        torch.autograd.backward((low + high).sum())
    assert ledger.peak == 4 * KILO


def test_backward_frees_what_forward_saved_while_it_goes():
    """Peak and end of a chain by hand: each exp keeps its result; backward frees one after another."""
    leaf = numbers(requires_grad=True)
    ledger = Ledger(lambda: [leaf] + ([leaf.grad] if leaf.grad is not None else []))
    with ledger.watching():
        x = leaf
        for _ in range(5):
            x = x.exp() * 0.5
        torch.autograd.backward(x.sum())
    assert ledger.peak == 6 * KILO and ledger.passing_bytes == 0


def peaks(spec, cut, rank, batch_size, bits=32, clients=3):
    """Return (measured, predicted) of every party after one step."""
    p = plan(cut, rank, [1.0] * clients, spec, bits, batch_size)
    dtype = torch.float64 if bits == 64 else torch.float32
    training = SplitFederated(p, build(spec, dtype, 0), load(spec, p.data_sizes, None, 0), 0, 1e-3)
    training.step()
    predicted = {each.party: each.value for each in p.predicted("memory_bytes")}
    assert predicted.keys() == training.meter.memory.keys() and len(predicted) == clients + 1
    return {party: (training.meter.memory[party].peak, value) for party, value in predicted.items()}


def assert_explained(found, spec, cut):
    """What the prediction leaves out: Adam's step count, 4 bytes a factor, and one number of the loss."""
    for party, (measured, predicted) in found.items():
        blocks = spec.blocks - cut if party == "server" else cut
        assert 0 <= measured - predicted <= 4 * 4 * blocks + 8, party
        assert measured - predicted <= 0.01 * predicted, party


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("cut", [0, 1, 2, "last"])
@pytest.mark.parametrize(("rank", "batch_size"), [(1, 1), (16, 1), (2, 3), (8, 16)])
def test_peaks_are_as_predicted(name, cut, rank, batch_size):
    spec = SPECS[name]
    cut = spec.blocks if cut == "last" else cut
    assert_explained(peaks(spec, cut, rank, batch_size), spec, cut)


@pytest.mark.parametrize(("cut", "rank", "batch_size"), [(0, 1, 1), (1, 16, 1), (1, 4, 2), (2, 8, 1)])
def test_peaks_of_gpt2_s_blocks_are_as_predicted(cut, rank, batch_size):
    assert_explained(peaks(GPT2_S_BLOCKS, cut, rank, batch_size, clients=2), GPT2_S_BLOCKS, cut)


def test_peaks_where_the_end_of_a_backward_pass_is_the_most():
    """Of a rank this large the last gradients weigh more than what one short sample saves."""
    spec = TINY.replace(tokens=2)
    assert_explained(peaks(spec, 1, 64, 1), spec, 1)


def test_double_precision_takes_twice_as_much():
    single, double = (peaks(TINY, 1, 2, 2, bits)["client 1"][0] for bits in (32, 64))
    assert abs(double - 2 * single) <= 4 * 4


def test_a_party_that_does_not_let_go_is_found_out(monkeypatch):
    kept = []
    serve = SplitFederated._serve_one

    def hoarding(self, client, activation, labels, weight):
        kept.append(activation)
        return serve(self, client, activation, labels, weight)

    monkeypatch.setattr(SplitFederated, "_serve_one", hoarding)
    measured, predicted = peaks(TINY, 1, 1, 8, clients=6)["server"]
    assert measured > 1.1 * predicted


def test_no_garbage_collection_is_needed():
    gc.collect()
    gc.disable()
    try:
        assert_explained(peaks(TINY, 2, 2, 2), TINY, 2)
    finally:
        gc.enable()


@pytest.mark.parametrize("model", ["gpt-mini", "vit-mini"])
def test_the_plan_of_a_problem_says_it_too(model):
    problem = ra.FedsLLM.sample(model=model, seed=1, clients=3, batch_size=4)
    result = ra.solve(problem)
    report = run(result.plan(), steps=1, reference=False)
    assert 0 < report.worst_memory_difference < 1e-3
    rows = {row.party: row for row in report.rows if row.quantity == "memory_bytes"}
    parts = result.evaluation.parts
    assert [rows[f"client {k}"].predicted for k in (1, 2, 3)] == parts["client_memory_bytes"].tolist()
    assert rows["server"].predicted == parts["server_memory_bytes"]


def test_the_memory_limit_of_a_problem_is_what_training_takes():
    """A limit of the bytes measured and a few more admits the plan; one of fewer does not."""
    problem = ra.FedsLLM.sample(model="gpt-mini", seed=1, clients=3, batch_size=4, cuts=[2], ranks=[4])
    report = run(ra.solve(problem).plan(), steps=1, reference=False)
    measured = max(row.measured for row in report.rows if row.quantity == "memory_bytes" and row.party != "server")
    assert ra.solve(problem.replace(client_memory_bytes=[measured])).feasible
    assert not ra.solve(problem.replace(client_memory_bytes=[0.999 * measured])).feasible
