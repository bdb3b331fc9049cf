"""Netlink messages of conntrack and nftables as bytes."""
