"""Who is under which policy."""
