"""nftables: the table, its elements and what else is there."""
