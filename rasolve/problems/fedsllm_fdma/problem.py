"""FedsLLM with continuous bandwidth and power (ours; after arXiv 2504.14667)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from rasolve.arrays import Array
from rasolve.errors import unknown
from rasolve.forms import Blocks, Choice, Form, Formulation
from rasolve.numerics import FloatArray
from rasolve.problems.base import Baseline, Check, Evaluation
from rasolve.problems.fedsllm.common import (
    LARGEST_BANDWIDTH_HZ,
    LARGEST_GAIN,
    LEAST_BANDWIDTH_HZ,
    LEAST_GAIN,
    SplitFederated,
)
from rasolve.problems.fedsllm.instances import sample
from rasolve.problems.fedsllm_fdma import algebra, baselines, blocks, choice, convex, judgement
from rasolve.problems.fedsllm_fdma.decision import FedsLLMFdmaDecision
from rasolve.problems.fedsllm_fdma.instances import draw
from rasolve.problems.registry import register

Gains = Annotated[FloatArray, Array(("K",), at_least=LEAST_GAIN, at_most=LARGEST_GAIN)]


@register
class FedsLLMFdma(SplitFederated):
    """Least total training delay of split-federated LoRA fine-tuning, each link's band and power shared continuously.

    The delay model and all limits are those of FedsLLM, but a client gets any bandwidth and any power instead of whole
    subchannels: Σ bandwidth <= band and Σ power <= total on each link, power <= the client's on each. So its optimum is
    never above that of FedsLLM with flat gains on the same band. ``main_gain`` and ``fed_gain`` have one entry for each
    client. Protocol and objective: published; per-step delay forms and constants: reconstructed; the continuous shares,
    ``client_memory_bytes`` and ``cuts``: ours.
    """

    kind: ClassVar[str] = "fedsllm-fdma"
    reference: ClassVar[str] = "arXiv 2504.14667, continuous (ours)"
    unit: ClassVar[str] = "s"
    forms: ClassVar[tuple[type[Form], ...]] = (Choice, Blocks)
    Decision = FedsLLMFdmaDecision

    main_gain: Gains
    fed_gain: Gains
    main_bandwidth_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)
    fed_bandwidth_hz: float = Field(ge=LEAST_BANDWIDTH_HZ, le=LARGEST_BANDWIDTH_HZ)

    @classmethod
    def sample(cls, *, seed: int = 0, **sizes: Any) -> Self:
        """Return a random instance; see `rasolve.problems.fedsllm_fdma.instances.draw` for the sizes.

        Any field may be set outright, one number standing for a whole array. Raises InputError for an unknown name.
        """
        return cls(**sample(cls, draw, seed=seed, **sizes))

    def evaluate(self, decision: FedsLLMFdmaDecision) -> Evaluation:
        return judgement.evaluate(self, decision)

    def check(self, decision: FedsLLMFdmaDecision) -> Check:
        return judgement.check(self, decision)

    def explain(self) -> tuple[str, ...]:
        return judgement.explain(self)

    def lower_bound(self) -> float:
        return choice.lower_bound(self)

    def formulate(self, form: type[Form]) -> Formulation:
        writers = {Choice: choice.formulate, Blocks: blocks.formulate}
        if form not in writers:
            raise unknown(f"form of {self.kind}", form.name, [f.name for f in self.forms])
        return writers[form](self)

    def baselines(self) -> dict[str, Baseline]:
        return baselines.baselines(self)

    def to_pyomo(self, decision: FedsLLMFdmaDecision | None = None) -> Any:
        return algebra.to_pyomo(self, decision)

    def to_cvxpy(self, cut: int, rank: int) -> Any:
        """Return the problem at a common cut and rank, which is convex, as a `cvxpy.Problem` of the total delay [s].

        Raises InputError where cut or rank is no candidate, SolverUnavailable without cvxpy.
        """
        return convex.to_cvxpy(self, cut, rank)
