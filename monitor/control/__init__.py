"""The control socket: its protocol, its verbs and what they answer."""
