"""Mutated frames of the real captures against the decoder: `PYTHONPATH=tests python -m fuzz 1000000`."""
