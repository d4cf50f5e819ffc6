"""The algebraic model of a choice of cut and rank over two links, however the links are divided.

pair[c,r] in {0,1} picks cut and rank; the deadlines of the two links are variables of their blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rasolve.errors import InfeasibleError
from rasolve.forms import Alternative
from rasolve.problems.fedsllm.choice import MEGABIT
from rasolve.problems.modeling import pyomo

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated

InTime = Callable[[Any, Any, Any], Any]
"""That a link carries so many megabits, at a rate in Mbit/s, within so many seconds."""


def pair_model(
    problem: SplitFederated,
    alternatives: Sequence[Alternative],
    state_link: Callable[[Any, Any, Any], None],
    in_time: InTime,
) -> Any:
    """Return the `pyomo.environ.ConcreteModel` of the alternatives, each a sum over the main and the federated link.

    ``state_link`` states a link on a block, with its ``clients``, ``deadline_s`` and ``rate_mbps``. Raises
    InfeasibleError without alternatives, SolverUnavailable without Pyomo.
    """
    pyo = pyomo()
    sums: dict[Any, Any] = {a.label: a.form for a in alternatives}
    if not sums:
        raise InfeasibleError("; ".join(problem.explain()))
    links = {label: total.terms[0].form for label, total in sums.items()}

    model = pyo.ConcreteModel(name=f"FedsLLM, {problem.reference}")
    model.pairs = pyo.Set(initialize=list(sums), dimen=2)
    model.pair = pyo.Var(model.pairs, domain=pyo.Binary)
    model.one_pair = pyo.Constraint(expr=pyo.quicksum(model.pair.values()) == 1)
    model.main, model.fed = pyo.Block(), pyo.Block()
    for block, term in zip((model.main, model.fed), next(iter(sums.values())).terms, strict=True):
        state_link(pyo, block, term.form)

    def chosen(value_of: Any) -> Any:
        return pyo.quicksum(float(value_of(label)) * model.pair[label] for label in sums)

    @model.main.Constraint(model.main.clients)  # type: ignore[untyped-decorator]
    def activations_in_time(block: Any, k: int) -> Any:
        megabits = chosen(lambda label: links[label].payload_bits[k] / MEGABIT)
        return in_time(megabits, block.rate_mbps[k], block.deadline_s - chosen(lambda label: links[label].offset_s[k]))

    @model.fed.Constraint(model.fed.clients)  # type: ignore[untyped-decorator]
    def one_megabit_in_time(block: Any, k: int) -> Any:
        return in_time(1, block.rate_mbps[k], block.deadline_s)

    model.delay_s = pyo.Objective(
        expr=chosen(lambda label: sums[label].constant)
        + model.main.deadline_s * chosen(lambda label: sums[label].terms[0].weight)
        + model.fed.deadline_s * chosen(lambda label: sums[label].terms[1].weight)
    )
    return model


def set_pair(model: Any, problem: SplitFederated, decision: Any) -> None:
    """Set the pair to that of a decision, and deadlines to the earliest that it attains."""
    parts = problem.evaluate(decision).parts
    picked = int(decision.cut[0]), int(decision.rank[0])
    for pair in model.pairs:
        model.pair[pair] = int(pair == picked)
    model.main.deadline_s = float((parts["client_forward_s"] + parts["upload_s"]).max())
    model.fed.deadline_s = float((MEGABIT / parts["fed_rate_bps"]).max())
