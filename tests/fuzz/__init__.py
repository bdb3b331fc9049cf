"""Searches by chance for what breaks a rule, for as long as one likes: `make fuzz`."""
