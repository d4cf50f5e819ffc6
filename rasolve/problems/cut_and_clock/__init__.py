"""CutAndClock: cut layer and server clock per device and round."""

from rasolve.problems.cut_and_clock.problem import CutAndClock

__all__ = ["CutAndClock"]
