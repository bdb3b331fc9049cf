"""Tries enforcement out with a client of its own, on every layer."""
