"""Packets and connections to flows, and what flows show of themselves."""
