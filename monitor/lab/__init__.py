"""A test network for gatewatch: a gateway, clients, a resolver and vendors' servers in network namespaces.

    clients ──eth0── br-lan [ gateway: gatewatch runs here ] wan0 ──── internet: answers at every address

All resources are named `gatewatch-lab-<id>-…` and are removed when the lab ends, also after Ctrl-C; the next lab
removes what a killed one left behind. No packet leaves these namespaces.
"""
