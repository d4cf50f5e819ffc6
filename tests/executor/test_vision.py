"""The vision transformer and the digits that it trains on."""

import sys

import numpy as np
import pytest
import torch
from executor_plans import plan
from sklearn.datasets import load_digits

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.executor.data import load
from rasolve.executor.digits import digits
from rasolve.executor.models import build
from rasolve.executor.run import run
from rasolve.executor.split import split
from rasolve.plan import Plan, Stage
from rasolve.scenario.workload import VisionTransformer, architecture

VIT = architecture("vit-mini")
SIZES = np.array([3.0, 1.0, 2.0])


def test_patches_are_tiles_of_the_image_in_reading_order():
    spec = VIT.replace(image=4, patch=2, channels=2)
    embedding = build(spec, torch.float64, 0).embedding
    images = torch.arange(3 * 2 * 4 * 4, dtype=torch.float64).reshape(3, 2, 4, 4)
    tile = images[1, :, 2:4, 0:2].flatten()  # lower left: the third patch
    own = embedding.project(tile) + embedding.position.weight[3]
    torch.testing.assert_close(embedding(images)[1, 3], own, rtol=1e-12, atol=1e-12)
    classes = embedding.token.weight[0] + embedding.position.weight[0]
    assert torch.equal(embedding(images)[2, 0], classes)


def test_every_patch_reaches_the_class():
    """Attention is full: the last patch changes the logits, which read the first token."""
    model = build(VIT, torch.float64, 0)
    images = torch.zeros(1, 1, 16, 16)
    changed = images.clone()
    changed[..., 12:, 12:] = 1.0
    assert model(images).shape == (1, 10)
    assert not torch.equal(model(images), model(changed))


@pytest.mark.parametrize("cut", range(VIT.blocks + 1))
def test_the_halves_make_the_whole(cut):
    model, images = build(VIT, torch.float64, 0), digits(VIT)[0][:3]
    halves = split(model, cut)
    assert torch.equal(halves.server(halves.client(images)), model(images))


def test_digits_are_resized_and_scaled():
    images, classes = digits(VIT)
    assert images.shape == (1797, 1, 16, 16) and images.dtype == torch.float32
    assert images.min() == -1 and images.max() == 1
    assert classes.dtype == torch.int64 and classes.unique().tolist() == list(range(10))
    small, _ = digits(VIT.replace(image=8, patch=2))
    raw = torch.from_numpy(load_digits().images).to(torch.float32)
    torch.testing.assert_close(small[:, 0], raw / 8 - 1, rtol=0, atol=1e-6)


def test_shards_are_disjoint_proportional_and_deterministic():
    shards, again, other = load(VIT, SIZES, None, 0), load(VIT, SIZES, None, 0), load(VIT, SIZES, None, 1)
    assert [len(labels) for labels in shards.labels] == [899, 299, 599]
    images, labels = shards.batch(1, 4, 5)
    assert images.shape == (5, 1, 16, 16) and labels.shape == (5,)
    assert torch.equal(images, again.batch(1, 4, 5)[0]) and shards.source == "scikit-learn's digits"
    assert not torch.equal(shards.labels[0], other.labels[0])
    together = torch.cat(shards.labels).bincount()
    assert torch.equal(together, digits(VIT)[1].bincount())


@pytest.mark.parametrize("cut", [0, 1, 3, VIT.blocks])
def test_a_run_is_as_predicted(cut):
    report = run(plan(cut=cut, model=VIT), steps=3)
    assert report.bits_agree and report.worst_flops_difference == 0
    assert report.worst_loss_difference <= 1e-10
    assert report.worst_memory_difference < 1e-3 and report.worst_seconds_difference < 1e-12
    labels = [row.measured for row in report.rows if row.stage == Stage.LABELS and row.quantity == "bits"]
    assert labels == [3 * 2 * 8] * 3, "a byte a sample"


def test_the_plan_of_a_problem_runs_and_learns(tmp_path):
    problem = ra.FedsLLM.sample(model="vit-mini", seed=0, clients=3, local_steps=4)
    saved = ra.solve(problem).plan().save(tmp_path / "plan.json")
    loaded = Plan.load(saved)
    assert isinstance(loaded.model, VisionTransformer) and loaded.model.to_json() == VIT.to_json()
    report = run(loaded, steps=24)
    assert report.bits_agree and report.worst_flops_difference == 0 and report.worst_loss_difference < 1e-5
    assert report.worst_memory_difference < 1e-3
    assert report.loss[-4:].mean() < report.loss[:4].mean() - 0.3
    assert report.model == "vit-mini" and "scikit-learn's digits" in str(report)


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (VIT, "e2e.csv", "vit-mini trains on digits: a file of text does not suit it"),
        (VIT.replace(channels=3), None, "vit-mini: channels = 3: digits have 1"),
        (VIT.replace(classes=9), None, "vit-mini: classes = 9: digits need at least 10"),
    ],
)
def test_unsuitable_data(spec, path, message):
    with pytest.raises(InputError) as error:
        load(spec, SIZES, path, 0)
    assert str(error.value) == message


def test_too_few_images():
    with pytest.raises(InputError, match=r"scikit-learn's digits: 1797 images leave none for client 1, whose share"):
        load(VIT, np.array([1.0, 1e5]), None, 0)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SolverUnavailable, match=r"digits needs scikit-learn: install rasolve\[executor\]"):
        digits(VIT)
