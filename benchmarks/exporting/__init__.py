"""The parts of `benchmarks/export.py`: one export, bare typst, memory, and a visitor meanwhile."""
