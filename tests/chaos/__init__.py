"""Chaos: workers, requests and faults for a while, and then an audit. `make chaos MINUTES=5`."""
