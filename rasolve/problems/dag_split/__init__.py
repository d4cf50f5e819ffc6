"""DagSplit: where to split a model whose layers form any acyclic graph."""

from rasolve.problems.dag_split.problem import DagSplit

__all__ = ["DagSplit"]
