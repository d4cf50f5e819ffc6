"""FedsLLM with continuous bandwidth and power in the place of subchannels."""

from rasolve.problems.fedsllm_fdma.problem import FedsLLMFdma

__all__ = ["FedsLLMFdma"]
