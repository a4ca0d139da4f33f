"""An installation of several machines, and what happens to it: `python -m benchmarks.installation --help`."""
