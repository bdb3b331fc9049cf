"""The arguments of every verb."""
