"""Benchmarks that anyone can repeat: run each as `python -m benchmarks.NAME` in a checkout."""
