"""TLS ClientHello messages (RFC 8446)."""
