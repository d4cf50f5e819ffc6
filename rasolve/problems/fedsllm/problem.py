"""FedsLLM: joint subchannels, power, split and LoRA rank (arXiv 2504.14667)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import StrictBool

from rasolve.arrays import Array
from rasolve.errors import unknown
from rasolve.forms import Blocks, Choice, Form, Formulation, MultipleChoice
from rasolve.numerics import FloatArray
from rasolve.problems.base import Baseline, Check, Evaluation
from rasolve.problems.fedsllm import (
    algebra,
    baselines,
    blocks,
    choice,
    instances,
    judgement,
    per_client,
    per_client_algebra,
)
from rasolve.problems.fedsllm.common import (
    LARGEST_BANDWIDTH_HZ,
    LARGEST_GAIN,
    LEAST_BANDWIDTH_HZ,
    LEAST_GAIN,
    SplitFederated,
)
from rasolve.problems.fedsllm.decision import FedsLLMDecision
from rasolve.problems.registry import register


@register
class FedsLLM(SplitFederated):
    """Least total training delay of split-federated LoRA fine-tuning over two OFDMA links.

    K clients, M subchannels to the main server and N to the federated server. ``gain`` arrays that do not vary over
    subchannels may have one column. ``ranks`` and ``cuts`` are the candidates (cuts: all blocks by default), common to
    all clients or, with ``per_client``, each client's own. Downlink terms count where downlink rates are given.
    Objective, protocol and constraints: published; per-step delay forms and constants: reconstructed;
    ``client_memory_bytes``, ``cuts`` and ``per_client``: ours. The formulas stand in `rasolve.problems.fedsllm.delay`.
    """

    kind: ClassVar[str] = "fedsllm"
    reference: ClassVar[str] = "arXiv 2504.14667"
    unit: ClassVar[str] = "s"
    forms: ClassVar[tuple[type[Form], ...]] = (Choice, Blocks, MultipleChoice)
    Decision = FedsLLMDecision

    per_client: StrictBool = False
    main_gain: Annotated[FloatArray, Array(("K", "M"), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]
    fed_gain: Annotated[FloatArray, Array(("K", "N"), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]
    main_subchannel_hz: Annotated[FloatArray, Array(("M",), at_least=LEAST_BANDWIDTH_HZ, at_most=LARGEST_BANDWIDTH_HZ)]
    fed_subchannel_hz: Annotated[FloatArray, Array(("N",), at_least=LEAST_BANDWIDTH_HZ, at_most=LARGEST_BANDWIDTH_HZ)]

    def model_post_init(self, context: object) -> None:
        """Keep flat gains as one column."""
        super().model_post_init(context)
        for name in ("main_gain", "fed_gain"):
            gain = getattr(self, name)
            if gain.strides[1] and (gain == gain[:, :1]).all():
                object.__setattr__(self, name, np.broadcast_to(gain[:, :1], gain.shape))

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.fedsllm.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**instances.sample(cls, instances.draw, seed=seed, **sizes))

    def evaluate(self, decision: FedsLLMDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: FedsLLMDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        if self.per_client:
            return per_client.lower_bound(self)
        return min((a.bound for a in choice.alternatives(self)), default=float("inf"))

    def written_in(self) -> tuple[type[Form], ...]:
        """Return the forms of a common cut and rank, or those of a cut and a rank for every client."""
        return (Blocks, MultipleChoice) if self.per_client else (Choice, Blocks)

    def formulate(self, form: type[Form]) -> Formulation:
        writers = {Choice: choice.formulate, Blocks: blocks.formulate, MultipleChoice: per_client.formulate}
        if form not in self.written_in():
            raise unknown("form of fedsllm", form.name, [f.name for f in self.written_in()])
        return writers[form](self)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: FedsLLMDecision | None = None) -> Any:
        statement = per_client_algebra if self.per_client else algebra
        return statement.to_pyomo(self, decision)
