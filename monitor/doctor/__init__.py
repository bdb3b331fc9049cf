"""Checks the machine and its network for what gatewatch needs: one file per topic, each of which returns findings."""
