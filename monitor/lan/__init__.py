"""Which interfaces are the LAN side, and where their flow counts come from."""
