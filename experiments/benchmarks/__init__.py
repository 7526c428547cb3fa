"""Benchmarks of ``speed.py``, one file per name with a function ``run() -> dict`` of figures."""
