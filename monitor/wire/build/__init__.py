"""Builds messages and packets that gatewatch sends."""
