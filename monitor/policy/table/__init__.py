"""The nftables table that a policy needs, as data, and the changes from one table to the next."""
