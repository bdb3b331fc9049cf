"""TCP streams and what their first bytes are."""
