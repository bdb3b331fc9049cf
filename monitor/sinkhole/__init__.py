"""The sinkhole: answers the DNS queries of whoever is under a ban, and passes on what is not banned."""
