"""Lists to an index: which vendor a name, an address or an autonomous system belongs to."""
