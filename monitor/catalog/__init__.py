"""Builds an index from lists and finds the vendor of a name, an address or an autonomous system in it."""
