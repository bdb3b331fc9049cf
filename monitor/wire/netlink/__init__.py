"""Reads and builds netlink messages of conntrack and nftables as bytes."""
