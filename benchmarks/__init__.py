"""What fits and measures: each file is a command, `python -m benchmarks.NAME` in the repository's folder."""
