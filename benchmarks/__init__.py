"""Benchmarks: speed, measured as ratios within one run, and what the quality gates catch.

Later versions are compared with 1.0.0, which is the commit fa7cccc642f17e89a44e0305583b28d431a2ca18:
`git worktree add ../release-1.0.0 fa7cccc642f17e89a44e0305583b28d431a2ca18` has it beside this one.
"""
