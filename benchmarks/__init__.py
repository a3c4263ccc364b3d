"""Benchmarks: speed, measured as ratios within one run, and what the quality gates catch."""
