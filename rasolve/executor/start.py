"""Everything that a run needs before its first step, by the plan's protocol."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from rasolve.errors import InputError
from rasolve.executor import data as shards
from rasolve.executor.graphs import graph_model, initialised
from rasolve.executor.graphs.data import Samples, own_samples, samples_of
from rasolve.executor.layered import make
from rasolve.executor.models import DTYPES, build
from rasolve.executor.need import dag_shortage, sequential_shortage, shortage
from rasolve.executor.protocols.dag import Dag
from rasolve.executor.protocols.split_federated import SplitFederated
from rasolve.executor.protocols.split_sequential import SplitSequential
from rasolve.executor.reference import Unsplit
from rasolve.executor.reference_dag import Whole
from rasolve.executor.reference_sequential import InTurn
from rasolve.executor.trace import Traced, traced_layers
from rasolve.executor.training import Data, Reference, Training
from rasolve.plan import DagPlan, Plan, PlannedTurns, SplitFederatedPlan, SplitSequentialPlan, TurnSource
from rasolve.scenario.chain import LayerChain
from rasolve.scenario.units import bytes_of_one_in

LEARNING_RATE = 1e-2
"""Adam's learning rate for LoRA on an untrained base, which bears a large one (ours, measured on generated text)."""

DAG_RATE = 1e-3
"""Adam's learning rate where all weights are trained (Kingma and Ba, 2015)."""

CHAIN_RATE, ADAPTER_RATE = 0.02, 1.0
"""Step sizes of gradient descent for a chain of layers and for LoRA on an untrained base (ours, measured)."""


@dataclass(frozen=True, eq=False)
class Start:
    """The training of a plan and, where it was asked for, the same unsplit; model, data and learning rate of both."""

    model: nn.Module
    name: str
    data: Data
    learning_rate: float
    split: Training
    unsplit: Reference | None


def start(
    plan: Plan | TurnSource,
    data: object,
    module: nn.Module | None,
    seed: int,
    learning_rate: float | None,
    reference: bool,
) -> Start:
    """Return the training of a plan, ready for its first step; see `rasolve.executor.run.run` for what is given.

    Raises InputError when the plan cannot be run with that.
    """
    if module is not None and not isinstance(plan, DagPlan):
        protocol = plan.protocol if isinstance(plan, Plan) else "split_sequential"
        raise InputError(f"module: a plan of protocol {protocol} builds its own model")
    if isinstance(plan, SplitFederatedPlan):
        return _split_federated(plan, data, seed, learning_rate or LEARNING_RATE, reference)
    if isinstance(plan, DagPlan):
        return _dag(plan, data, module, seed, learning_rate or DAG_RATE, reference)
    if isinstance(plan, SplitSequentialPlan):
        return _split_sequential(PlannedTurns(plan), plan, data, seed, learning_rate, reference)
    if isinstance(plan, Plan):
        raise InputError(f"protocol = {plan.protocol}: this executor does not know it")
    return _split_sequential(plan, None, data, seed, learning_rate, reference)


def _path(data: object) -> str | Path | None:
    if data is None or isinstance(data, str | Path):
        return data
    raise InputError("data: must be a CSV file with columns mr and ref for this plan")


def _split_federated(plan: SplitFederatedPlan, data: object, seed: int, rate: float, reference: bool) -> Start:
    if plan.obstacle is not None:
        raise InputError(plan.obstacle)
    assert plan.model is not None
    path = _path(data)
    if (short := shortage(plan, path is None, reference)) is not None:
        raise InputError(short)
    samples = shards.load(plan.model, plan.data_sizes, path, seed)
    model = build(plan.model, DTYPES[plan.parameter_bits], seed)
    split = SplitFederated(plan, model, samples, seed, rate)
    unsplit = Unsplit(plan, model, samples, seed, rate) if reference else None
    return Start(model, plan.model.name, samples, rate, split, unsplit)


def _split_sequential(
    source: TurnSource,
    plan: SplitSequentialPlan | None,
    data: object,
    seed: int,
    rate: float | None,
    reference: bool,
) -> Start:
    """Start with a source's first turn; `plan` has all of them where they are known beforehand."""
    if plan is not None and plan.obstacle is not None:
        raise InputError(plan.obstacle)
    first = source.decide(0)
    if first.obstacle is not None:
        raise InputError(first.obstacle)
    spec = first.model
    assert spec is not None
    if (short := sequential_shortage(first, reference)) is not None:
        raise InputError(short)
    samples = shards.load(spec, np.ones(len(source.devices)), _path(data), seed)
    model, copies = make(spec, int(first.rank[0]), first.parameter_bits, seed)
    rate = rate or (CHAIN_RATE if isinstance(spec, LayerChain) else ADAPTER_RATE)
    split = SplitSequential(source, first, copies[:2], samples, rate)
    unsplit = InTurn(copies[2], split.batch, rate) if reference else None
    return Start(model, spec.name, samples, rate, split, unsplit)


def _dag(plan: DagPlan, data: object, module: nn.Module | None, seed: int, rate: float, reference: bool) -> Start:
    obstacle = plan.obstacle if module is None else plan.obstacle_to_any_model
    if obstacle is not None:
        raise InputError(obstacle)
    if module is None:
        if (short := dag_shortage(plan, reference)) is not None:
            raise InputError(short)
        assert plan.model is not None
        known, dtype = graph_model(plan.model), DTYPES[plan.parameter_bits]
        model, samples = initialised(known.module(), dtype, seed), samples_of(known, dtype, _path(data), seed)
        label_bytes = known.data.label_bytes
    else:
        model, samples, label_bytes = _own(plan, module, data, seed)
    traced = _traced(plan, model, samples)
    split = Dag(plan, traced, samples, label_bytes, rate)
    unsplit = Whole(plan, model, samples, rate) if reference else None
    return Start(model, plan.model or type(model).__name__, samples, rate, split, unsplit)


def _own(plan: DagPlan, module: nn.Module, data: object, seed: int) -> tuple[nn.Module, Samples, int]:
    """Return a copy of one's own module in the plan's precision, its samples, and the bytes of a label."""
    dtype = DTYPES[plan.parameter_bits]
    if not isinstance(module, nn.Module):
        raise InputError(f"module = {module!r}: must be a torch.nn.Module")
    for layer in module.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.training and layer.p > 0:
            raise InputError("module: draws random numbers (dropout): set p = 0, so that its losses can be compared")
    samples = own_samples(data, dtype, seed)
    return copy.deepcopy(module).to(dtype), samples, bytes_of_one_in(max(2, int(samples.labels[0].max()) + 1))


def _traced(plan: DagPlan, model: nn.Module, samples: Samples) -> Traced:
    """Return the layers that the plan names, fused or not; raises InputError where the model has others."""
    inputs: tuple[Tensor, ...] = samples.batch(0, plan.batch_size)[0]
    assert plan.names is not None
    fused = traced_layers(model, inputs)
    for traced in (fused, fused.grouped(fuse=False)):
        if traced.names == plan.names:
            return traced
    both = zip_longest(plan.names, fused.names, fillvalue="none")
    i, planned, has = next((i, a, b) for i, (a, b) in enumerate(both) if a != b)
    raise InputError(f"names[{i}]: the plan's layer is '{planned}', the model's '{has}': trace the model again")
