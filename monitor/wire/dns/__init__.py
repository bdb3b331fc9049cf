"""DNS messages (RFC 1035) over UDP and TCP, read and written."""
