"""The control socket: protocol, verbs and answers."""
