"""Counters, and the rows and series that are made from them."""
