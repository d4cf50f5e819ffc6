"""What a reader of a FedsLLM result must know about the rounds behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rasolve.surrogate_models.evidence import Evidence

if TYPE_CHECKING:
    from rasolve.problems.fedsllm.common import SplitFederated


def notes(problem: SplitFederated, decision: Any) -> tuple[str, ...]:
    """Return where the rounds to the target come from and, where fitted, their interval at the decision's rank."""
    rounds = problem.rounds
    if rounds.source == "placeholder":
        return (f"rounds to the target are a placeholder table, not fitted for {rounds.model}",)
    if rounds.evidence is None:
        return ()
    said = [str(rounds)]
    if decision is not None:
        slowest = max(set(decision.rank.tolist()), key=rounds)
        said.append(f"at rank {slowest}: {rounds.said(slowest)}")
    return (*said, *_mismatch(problem, rounds.evidence))


def _mismatch(problem: SplitFederated, evidence: Evidence) -> tuple[str, ...]:
    """Return what differs between the problem and the training that its rounds were fitted to."""
    fitted = evidence.settings
    here = fitted.replace(clients=problem.clients, batch_size=problem.batch_size, local_steps=problem.local_steps)
    if str(here) == str(fitted):
        return ()
    return (f"these rounds were fitted with {fitted}, this problem has {here}: fit anew",)
