"""python -m benchmarks.measure NAME DATABASE: measure in an installation that the environment names."""

import sys
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2])
