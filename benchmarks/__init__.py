"""Benchmarks: named rivals beside the library's solvers in the same run, and the published claims re-measured."""
