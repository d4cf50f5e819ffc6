"""rasolve: wireless resource allocation for split and federated LoRA fine-tuning, solved with proved bounds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "AdaptiveSplit": "rasolve.problems.adaptive_split",
    "BatchSolution": "rasolve.forms.batch",
    "Comparison": "rasolve.comparing",
    "CutAndClock": "rasolve.problems.cut_and_clock",
    "DagSplit": "rasolve.problems.dag_split",
    "FedsLLM": "rasolve.problems.fedsllm",
    "FedsLLMFdma": "rasolve.problems.fedsllm_fdma",
    "GraphProfile": "rasolve.scenario.graph",
    "InfeasibleError": "rasolve.errors",
    "InputError": "rasolve.errors",
    "OnlinePolicy": "rasolve.online",
    "OnlineTurns": "rasolve.online",
    "ParallelAdaptiveSplit": "rasolve.problems.adaptive_split",
    "Plan": "rasolve.plan",
    "Profile": "rasolve.scenario.workload",
    "RasolveError": "rasolve.errors",
    "Result": "rasolve.result",
    "Rounds": "rasolve.surrogate_models.rounds",
    "SolverUnavailable": "rasolve.errors",
    "TimeModel": "rasolve.surrogate_models.time",
    "Transformer": "rasolve.scenario.workload",
    "VisionTransformer": "rasolve.scenario.workload",
    "choose_solver": "rasolve.choosing",
    "compare": "rasolve.comparing",
    "fit_rounds": "rasolve.calibration.rounds",
    "fit_time": "rasolve.calibration.time",
    "load": "rasolve.problems.registry",
    "run": "rasolve.executor.run",
    "solve": "rasolve.solving",
    "solve_batch": "rasolve.solving",
    "splits_by_rate": "rasolve.splitting",
    "splits_over_time": "rasolve.splitting",
    "trace": "rasolve.executor.trace",
}
_MODULES = ("forms", "problems", "scenario", "solvers", "surrogate_models", "testing", "plots", "executor")

__all__ = [
    "AdaptiveSplit",
    "BatchSolution",
    "Comparison",
    "CutAndClock",
    "DagSplit",
    "FedsLLM",
    "FedsLLMFdma",
    "GraphProfile",
    "InfeasibleError",
    "InputError",
    "OnlinePolicy",
    "OnlineTurns",
    "ParallelAdaptiveSplit",
    "Plan",
    "Profile",
    "RasolveError",
    "Result",
    "Rounds",
    "SolverUnavailable",
    "TimeModel",
    "Transformer",
    "VisionTransformer",
    "choose_solver",
    "compare",
    "executor",
    "fit_rounds",
    "fit_time",
    "forms",
    "load",
    "plots",
    "problems",
    "run",
    "scenario",
    "solve",
    "solve_batch",
    "solvers",
    "splits_by_rate",
    "splits_over_time",
    "surrogate_models",
    "testing",
    "trace",
]

if TYPE_CHECKING:
    from rasolve import executor, forms, plots, problems, scenario, solvers, surrogate_models, testing
    from rasolve.calibration.rounds import fit_rounds
    from rasolve.calibration.time import fit_time
    from rasolve.choosing import choose_solver
    from rasolve.comparing import Comparison, compare
    from rasolve.errors import InfeasibleError, InputError, RasolveError, SolverUnavailable
    from rasolve.executor.run import run
    from rasolve.executor.trace import trace
    from rasolve.forms.batch import BatchSolution
    from rasolve.online import OnlinePolicy, OnlineTurns
    from rasolve.plan import Plan
    from rasolve.problems.adaptive_split import AdaptiveSplit, ParallelAdaptiveSplit
    from rasolve.problems.cut_and_clock import CutAndClock
    from rasolve.problems.dag_split import DagSplit
    from rasolve.problems.fedsllm import FedsLLM
    from rasolve.problems.fedsllm_fdma import FedsLLMFdma
    from rasolve.problems.registry import load
    from rasolve.result import Result
    from rasolve.scenario.graph import GraphProfile
    from rasolve.scenario.workload import Profile, Transformer, VisionTransformer
    from rasolve.solving import solve, solve_batch
    from rasolve.splitting import splits_by_rate, splits_over_time
    from rasolve.surrogate_models.rounds import Rounds
    from rasolve.surrogate_models.time import TimeModel


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return import_module(f"rasolve.{name}")
    raise AttributeError(f"module 'rasolve' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
