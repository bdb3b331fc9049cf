"""Bans in the kernel: the nftables table, learned addresses, the sinkhole, the self-test's schedule."""
