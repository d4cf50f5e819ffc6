"""DagSplit: the fastest exact split of a model whose layers form any acyclic graph (arXiv 2507.01041)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from rasolve.arrays import Array
from rasolve.errors import InputError, unknown
from rasolve.forms import ClosedSet, CutNetwork, Form, Formulation, MixedIntegerProgram
from rasolve.numerics import FloatArray, IntArray
from rasolve.plan import DagPlan
from rasolve.problems.base import Baseline, Check, Evaluation, Problem
from rasolve.problems.dag_split import algebra, baselines, closed, forms, instances, judgement, prediction
from rasolve.problems.dag_split.decision import DagSplitDecision
from rasolve.problems.registry import register
from rasolve.scenario.graph import GraphProfile, reject_bad_graph

LEAST_BPS, LARGEST_BPS = 1e-3, 1e18
"""No link is slower or faster; what is beyond is a slip of units, here as in the next limits."""
LARGEST_SECONDS = 1e12
LARGEST_COUNT = 10**9

Seconds = Annotated[FloatArray, Array(("V",), at_least=0, at_most=LARGEST_SECONDS)]
PerLayer = Annotated[FloatArray, Array(("V",), at_least=0)]
Rate = Annotated[float, Field(ge=LEAST_BPS, le=LARGEST_BPS)]


@register
class DagSplit(Problem):
    """Least delay of a training round of a model that is split between a device, a server and maybe a cloud.

    ``edges`` [E, 2] (parent, child) make an acyclic graph on V layers; ``inputs`` are the vertices of raw data, which
    stay on the device and are exactly those without parents. ``device_seconds``, ``server_seconds`` and, for a third
    tier, ``cloud_seconds`` [V] are forward and backward of one mini-batch; ``output_bits`` [V] are those of a
    mini-batch, ``weight_bits`` [V] travel once per round. Where ``device_memory_bytes`` is given, the device's layers
    together need at most that, each ``memory_bytes`` [V]. ``usual_uplink_bps`` and ``usual_downlink_bps`` are the rates
    for which the static baseline is made. ``model``, ``names`` [V], ``batch_size``, FLOPs [V] of a mini-batch and
    ``label_bits`` only serve names, plans and predictions.

    Published: the graph, its minimum cut, collapsing blocks. Reconstructed: the formulas, in
    `rasolve.problems.dag_split.delay`. Ours: memory limit and third tier.
    """

    kind: ClassVar[str] = "dag-split"
    reference: ClassVar[str] = "arXiv 2507.01041"
    unit: ClassVar[str] = "s"
    forms: ClassVar[tuple[type[Form], ...]] = (ClosedSet, CutNetwork, MixedIntegerProgram)
    Decision = DagSplitDecision

    model: str | None = None
    names: tuple[str, ...] | None = None
    edges: Annotated[IntArray, Array(("E", "ends"), at_least=0, integer=True)]
    inputs: Annotated[IntArray, Array(("I",), at_least=0, integer=True)] = Field(
        default_factory=lambda: np.zeros(1, dtype=np.int64)
    )
    device_seconds: Seconds
    server_seconds: Seconds
    output_bits: PerLayer
    weight_bits: PerLayer
    uplink_bps: Rate
    downlink_bps: Rate
    local_steps: int = Field(default=10, ge=1, le=LARGEST_COUNT)
    usual_uplink_bps: Rate | None = None
    usual_downlink_bps: Rate | None = None
    memory_bytes: PerLayer | None = None
    device_memory_bytes: float | None = Field(default=None, ge=0)
    cloud_seconds: Seconds | None = None
    cloud_uplink_bps: Rate | None = None
    cloud_downlink_bps: Rate | None = None
    batch_size: int = Field(default=1, ge=1, le=LARGEST_COUNT)
    forward_flops: PerLayer | None = None
    backward_flops: PerLayer | None = None
    label_bits: float = Field(default=0.0, ge=0)

    def model_post_init(self, context: object) -> None:
        """Check the graph, and what must be given together."""
        super().model_post_init(context)
        if self.names is not None and len(self.names) != self.layers:
            raise InputError(f"names has {len(self.names)} entries for {self.layers} layers")
        reject_bad_graph(self.edges, self.inputs, self.names or [str(v) for v in range(self.layers)])
        for together in (
            ("cloud_seconds", "cloud_uplink_bps", "cloud_downlink_bps"),
            ("usual_uplink_bps", "usual_downlink_bps"),
            ("forward_flops", "backward_flops"),
        ):
            absent = [name for name in together if getattr(self, name) is None]
            if absent and len(absent) < len(together):
                raise InputError(f"{absent[0]} is missing: {' and '.join(together)} go together")
        if self.device_memory_bytes is not None and self.memory_bytes is None:
            raise InputError("memory_bytes is missing: device_memory_bytes limits its sum")

    @property
    def layers(self) -> int:
        """V."""
        return self.dimension("V")

    @property
    def tiers(self) -> int:
        """2, or 3 with a cloud."""
        return 2 if self.cloud_seconds is None else 3

    @property
    def links(self) -> int:
        """How many links there are, each between a tier and the next."""
        return self.tiers - 1

    def layer_name(self, layer: int) -> str:
        """Return the name of a layer, or its number where layers have no names."""
        return self.names[layer] if self.names is not None else f"layer {layer}"

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.dag_split.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**instances.sample(cls.model_fields, seed=seed, **sizes))

    @classmethod
    def from_profile(
        cls,
        profile: GraphProfile,
        *,
        device_flops_per_s: float,
        server_flops_per_s: float,
        uplink_bps: float,
        downlink_bps: float,
        batch_size: int = 1,
        **fields: Any,
    ) -> Self:
        """Return the problem of splitting a traced model between parties of given speeds [FLOP/s].

        Further `fields` are set outright; seconds measured on the machines themselves go there. Raises InputError.
        """
        if not isinstance(profile, GraphProfile):
            raise InputError(f"profile: a GraphProfile is needed, not {type(profile).__name__}")
        speeds = {"device_flops_per_s": device_flops_per_s, "server_flops_per_s": server_flops_per_s}
        rates = {"uplink_bps": uplink_bps, "downlink_bps": downlink_bps}
        return cls(**{**instances.of_profile(profile, batch_size=batch_size, **speeds), **rates, **fields})

    def over_time(
        self,
        *,
        uplink_bps: Any = None,
        downlink_bps: Any = None,
        device_slowdown: Any = 1.0,
        server_slowdown: Any = 1.0,
    ) -> ClosedSet:
        """Return this problem in every slot of a trace as one batched form, the graph's own work done once.

        Rates [T] in bit/s, this problem's where none are given; seconds are multiplied by the slowdowns [T], above 0.
        Raises InputError for numbers out of range, with three tiers, and with a memory limit.
        """
        return forms.over_time(self, uplink_bps, downlink_bps, device_slowdown, server_slowdown)

    def tiers_of(self, sets: Any) -> IntArray:
        """Return the tiers [..., V] that closed sets [..., copies·V] stand for: this problem's values of `ClosedSet`.

        Raises InputError for another length.
        """
        given = np.asarray(sets, dtype=bool)
        if not given.ndim or given.shape[-1] != self.layers * (self.tiers - 1):
            raise InputError(f"sets has shape {list(given.shape)}, needs [..., {self.layers * (self.tiers - 1)}]")
        return closed.tiers(self, given)

    def evaluate(self, decision: DagSplitDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: DagSplitDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        return float("inf") if self.explain() else forms.lower_bound(self)

    def formulate(self, form: type[Form]) -> Formulation:
        writers = {
            ClosedSet: forms.as_closed_set,
            CutNetwork: forms.as_network,
            MixedIntegerProgram: forms.as_program,
        }
        if form not in writers:
            raise unknown("form of dag-split", form.name, [f.name for f in self.forms])
        return writers[form](self)

    def notes(self, decision: DagSplitDecision | None = None) -> tuple[str, ...]:
        return judgement.notes(self, decision)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: DagSplitDecision | None = None) -> Any:
        return algebra.to_pyomo(self, decision)

    def plan(self, decision: DagSplitDecision, solver: str) -> DagPlan:
        return prediction.plan(self, decision, solver)
