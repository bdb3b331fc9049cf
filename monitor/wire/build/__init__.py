"""Messages and packets that gatewatch makes."""
