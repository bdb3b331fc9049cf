"""Turns packets and connections into flows, and records what flows reveal about themselves."""
