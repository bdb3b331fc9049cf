"""Network namespaces and the links into them."""
