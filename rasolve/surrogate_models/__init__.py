"""Surrogates: what is learned from tables of measurements, each saying where it comes from."""

from rasolve.surrogate_models.rounds import Rounds, placeholder_rounds

__all__ = ["Rounds", "placeholder_rounds"]
