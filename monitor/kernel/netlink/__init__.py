"""rtnetlink, conntrack and ethtool."""
