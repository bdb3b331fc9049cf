"""The nftables table that a policy needs, as data, and the way from one table to the next."""
