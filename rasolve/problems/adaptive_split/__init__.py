"""AdaptiveSplit and ParallelAdaptiveSplit: split and server clock under a long-term energy budget."""

from rasolve.problems.adaptive_split.parallel import ParallelAdaptiveSplit
from rasolve.problems.adaptive_split.problem import AdaptiveSplit

__all__ = ["AdaptiveSplit", "ParallelAdaptiveSplit"]
