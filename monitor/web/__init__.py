"""Pages over HTTP: the daemon's own, and the one that says what is blocked. They serve what they are given."""
