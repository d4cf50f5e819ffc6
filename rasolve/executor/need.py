"""What a run will hold in memory, estimated from the plan alone, and what the machine has, before anything is built."""

from __future__ import annotations

import os

import numpy as np

from rasolve.plan import DagPlan, SplitFederatedPlan, SplitSequentialPlan
from rasolve.scenario.chain import LayerChain
from rasolve.scenario.graph import graph_named
from rasolve.scenario.lenet import chain_profile
from rasolve.scenario.units import quantity
from rasolve.scenario.workload import ADAM_COPIES, Architecture, VisionTransformer

GENERATED_SAMPLES = 256
"""Samples of text generated per client (ours)."""

DIGIT_IMAGES = 1797
"""Images of scikit-learn's digits."""

TOKEN_BYTES = 32
"""Bytes for each token of generated text: its characters, then its int64 index as a stream, as windows, as a shard."""

PIXEL_BYTES = 8
"""Bytes for each pixel of the digits: float32, in whole and as a client's shard."""

MODULE_BYTES = 50_000
"""Bytes of a block's Python modules, whatever its width; measured: 78 kB with the tensors' own records."""

ADAPTED_BYTES = 5_000
"""Bytes of Python modules by which each party adapts a block; measured: 10 kB."""


BEYOND_WORDS = 10**30
"""Bytes of which no number is given: whole numbers of a plan may be too large for floating point."""


def shortage(plan: SplitFederatedPlan, generates: bool = True, reference: bool = True) -> str | None:
    """Return the field that weighs most, what a run needs and what the machine has; None where that is enough.

    The plan has a model. Where the operating system does not tell its memory, nothing is known to be short.
    """
    has = machine_bytes()
    if has is None:
        return None
    needs = needed_bytes(plan, generates, reference)
    if needs <= has:
        return None
    field, value = _heaviest(plan, generates, reference)
    return f"{field} = {value}: the run needs {_shown(needs)}, {_had(has)}"


def dag_shortage(plan: DagPlan, reference: bool = True) -> str | None:
    """Return the mini-batch, what a run of a shipped model needs and what the machine has; None where it is enough.

    Both sides' weights, with gradients and moments, stand beside those that they started from, and again for a
    `reference`; of what is saved for backward there is one mini-batch at a time.
    """
    has = machine_bytes()
    if has is None or plan.model is None:
        return None
    profile = graph_named(plan.model)
    weights, saved = float(profile.weight_bits.sum()) / 8, profile.saved_bytes
    assert saved is not None
    size = plan.parameter_bits / 32
    needs = int(size * (weights * (1 + (1 + reference) * ADAM_COPIES) + plan.batch_size * float(saved.sum())))
    return None if needs <= has else f"batch_size = {plan.batch_size}: the run needs {_shown(needs)}, {_had(has)}"


def sequential_shortage(plan: SplitSequentialPlan, reference: bool = True) -> str | None:
    """Return the mini-batch, what a run needs and what the machine has; None where it is enough.

    Weights stand once where they are frozen and in three copies where they are trained, adapters likewise, with a
    gradient each; of what is saved for backward there is one mini-batch at a time, whoever has it.
    """
    has, spec = machine_bytes(), plan.model
    if has is None or spec is None:
        return None
    profile = chain_profile(spec) if isinstance(spec, LayerChain) else spec.profile()
    rank, size, copies = int(plan.rank[0]), plan.parameter_bits / 32, 2 + 2 * (2 + reference)
    weights = float(profile.weight_bytes.sum()) * (1 if rank else copies) + profile.embedding_bytes + profile.head_bytes
    adapters = copies * rank * float(profile.adapter_params.sum()) * 4
    per_block = profile.saved_activation_bytes + rank * profile.adapter_saved_bytes
    saved = float(per_block.sum()) + profile.head_saved_bytes
    needs = int(size * (weights + adapters + plan.batch_size * saved))
    return None if needs <= has else f"batch_size = {plan.batch_size}: the run needs {_shown(needs)}, {_had(has)}"


def machine_bytes() -> int | None:
    """Return the bytes of memory of this machine; None where its operating system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= names.keys():
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def needed_bytes(plan: SplitFederatedPlan, generates: bool, reference: bool) -> int:
    """Return the bytes that the whole run stands for at once, a little less than what it will take.

    Frozen weights are shared by all parties. At its peak, every client keeps what its blocks saved for backward while
    the server serves the client of which it keeps most; `reference` runs afterwards, on adapters of its own. The
    formulas are those of the profile, in whole numbers, which no field of a plan makes overflow; what the lowest block
    does not keep is not taken off.
    """
    spec, size, batch = plan.model, plan.parameter_bits // 8, plan.batch_size
    assert spec is not None
    cuts: list[int] = plan.cut.tolist()
    ranks: list[int] = plan.rank.tolist()
    n, d, blocks, largest = spec.tokens, spec.width, spec.blocks, max(ranks)
    weights = blocks * (12 * d * d + 13 * d) * size + _ends(spec) * size
    adapters = (
        ADAM_COPIES
        * 4
        * d
        * size
        * (sum(cut * rank for cut, rank in zip(cuts, ranks, strict=True)) + (blocks - min(cuts)) * largest)
    )
    saved = (10 * n * d + spec.heads * n * n + 4 * n) * size
    clients = sum(cut * (saved + rank * 2 * n * size) for cut, rank in zip(cuts, ranks, strict=True))
    server = (blocks - min(cuts)) * (saved + largest * 2 * n * size) + _logits(spec) * size
    crossing = len(cuts) * n * d * size
    split, unsplit = clients + server + crossing, blocks * saved + _logits(spec) * size
    modules = blocks * (MODULE_BYTES + ADAPTED_BYTES * (1 + reference) * (1 + len(cuts)))
    return (
        weights
        + adapters * (1 + reference)
        + batch * (max(split, unsplit) if reference else split)
        + modules
        + _data(spec, len(cuts), generates)
    )


def _ends(spec: Architecture) -> int:
    """Return the parameters of embedding and head."""
    if isinstance(spec, VisionTransformer):
        return (spec.patch_values + 2 + spec.tokens) * spec.width + (2 + spec.classes) * spec.width
    return (spec.vocabulary + spec.tokens) * spec.width + (2 + spec.vocabulary) * spec.width


def _logits(spec: Architecture) -> int:
    """Return the logits of one sample."""
    return spec.classes if isinstance(spec, VisionTransformer) else spec.tokens * spec.vocabulary


def _data(spec: Architecture, clients: int, generates: bool) -> int:
    """Return the bytes of all samples; those of a user's file are not counted."""
    if isinstance(spec, VisionTransformer):
        return DIGIT_IMAGES * spec.channels * spec.image**2 * PIXEL_BYTES
    return clients * GENERATED_SAMPLES * (spec.tokens + 1) * TOKEN_BYTES if generates else 0


def _heaviest(plan: SplitFederatedPlan, generates: bool, reference: bool) -> tuple[str, int]:
    """Return the name and value of the field without which, set to 1, the run would need least."""
    spec = plan.model
    assert spec is not None
    without = {("batch_size", plan.batch_size): plan.model_copy(update={"batch_size": 1})}
    largest = int(plan.rank.max())
    without["rank", largest] = plan.model_copy(update={"rank": np.ones_like(plan.rank)})
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if name in ("name", "blocks", "patch"):
            continue
        without[f"model.{name}", value] = plan.model_copy(update={"model": spec.model_copy(update={name: 1})})
    lower = {"cut": np.minimum(plan.cut, 1), "model": spec.model_copy(update={"blocks": 1})}
    without["model.blocks", spec.blocks] = plan.model_copy(update=lower)
    return min(without, key=lambda field: needed_bytes(without[field], generates, reference))


def _had(size: int) -> str:
    return f"this machine has {_shown(size)}"


def _shown(size: int) -> str:
    return quantity(float(size), "B") if size < BEYOND_WORDS else f"more than {float(BEYOND_WORDS):g} B"
