"""Measure with the executor, fit surrogate models to what was measured, and solve again with them."""
