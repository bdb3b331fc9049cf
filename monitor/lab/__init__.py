"""A network to try gatewatch in: a gateway, clients, a resolver and vendors' servers in network namespaces.

    clients ──eth0── br-lan [ gateway: gatewatch runs here ] wan0 ──── internet: answers at every address

Everything is named `gatewatch-lab-<id>-…` and is gone when the lab ends, also after Ctrl-C; what a killed lab
left behind is removed by the next one. No packet leaves these namespaces.
"""
