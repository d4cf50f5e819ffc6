"""FedsLLM: joint subchannels, power, split and LoRA rank."""

from rasolve.problems.fedsllm.problem import FedsLLM

__all__ = ["FedsLLM"]
