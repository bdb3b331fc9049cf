"""Pages over HTTP: the daemon's status site, and the page for blocked names."""
