"""nftables: the table, its elements, and the rest of the ruleset."""
