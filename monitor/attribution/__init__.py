"""Determines the vendor of a flow with the evidence, and the device of a flow; holds the flow table."""
