"""Sends the DHCP request of a client that renews its lease; a child process in the client's namespace.

    python -m monitor.lab.programs.dhcp INTERFACE MAC ADDRESS HOSTNAME

The request is broadcast as in RFC 2131 section 4.4.5 (rebinding); no server answers it.
"""

import sys

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.sendrecv import sendp


def request(mac: str, address: str, hostname: str) -> Packet:
    options = [("message-type", "request"), ("hostname", hostname), ("client_id", b"\x01" + packed(mac)), "end"]
    return (
        Ether(src=mac, dst="ff:ff:ff:ff:ff:ff")
        / IP(src=address, dst="255.255.255.255")
        / UDP(sport=68, dport=67)
        / BOOTP(op=1, chaddr=packed(mac), ciaddr=address, xid=0x6C6162)
        / DHCP(options=options)
    )


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def main() -> None:
    interface, mac, address, hostname = sys.argv[1:5]
    sendp(request(mac, address, hostname), iface=interface, verbose=False)


if __name__ == "__main__":
    main()
