"""Faults done to the real thing, for as long as one likes: `python -m benchmarks.faults --help`."""
