"""Reassembles TCP streams and identifies their protocols by their first bytes."""
