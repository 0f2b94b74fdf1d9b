"""Measurements: one question a file. Run one as `python -m benchmarks.<name>`."""
