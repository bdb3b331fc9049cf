"""Learns from an answer the addresses of the queried name, through its CNAME chain.

Records are used only if their owner is in the chain from the question (RFC 1034 section 3.6.2), because other records
do not answer the question. The additional section is used only for the hosts that the answer names: targets of SRV,
SVCB, HTTPS and MX records (RFC 2782, RFC 9460 section 4.2, RFC 1035 section 3.3.9).
"""

from typing import Final

from monitor.attribution.answer_cache import AnswerCache
from monitor.attribution.devices import Device
from monitor.attribution.ech_fronts import EchFronts
from monitor.attribution.matches import Matches
from monitor.model import DnsMessage, DnsRecord
from monitor.wire.dns.addresses import (
    CLASS_IN,
    TYPE_A,
    TYPE_AAAA,
    TYPE_CNAME,
    TYPE_HTTPS,
    TYPE_MX,
    TYPE_SRV,
    TYPE_SVCB,
    record_address,
    record_name,
    record_target,
    svcb_hints,
    svcb_is_alias,
    svcb_public_names,
    svcb_target,
)
from monitor.wire.dns.message import additional_records

CHAIN_MOST: Final = 16
TARGETS_MOST: Final = 16
UNDERSCORE: Final = 0x5F
TARGETS: Final = (TYPE_SRV, TYPE_SVCB, TYPE_HTTPS, TYPE_MX)


def learn(
    message: DnsMessage, device: Device, memory: AnswerCache, matches: Matches, fronts: EchFronts, now: float
) -> None:
    """Stores the content of a positive answer to the device."""
    # The same bytes object for all devices, so that a hundred claims share one name.
    asked = matches.of(message.name).name
    chain: list[bytes] | None = None
    alias = b""
    targets: list[bytes] | None = None
    for record in message.answers:
        kind = record.type
        if kind in (TYPE_A, TYPE_AAAA):
            if record.name != asked:
                if chain is None:
                    chain = follow(message, asked)
                    alias = known_alias(chain, matches)
                if record.name not in chain:
                    continue
            address = record_address(message, record)
            if address:
                memory.remember(device, address, asked, alias, record.ttl, now)
            continue
        if kind == TYPE_CNAME:
            continue
        if kind in (TYPE_HTTPS, TYPE_SVCB):
            if chain is None:
                chain = follow(message, asked)
                alias = known_alias(chain, matches)
            if record.name in chain:
                learn_hints(message, record, alias, device, memory, now)
                for front in svcb_public_names(message, record):
                    fronts.learn(front)
        if kind in TARGETS:
            target = record_target(message, record)
            if target and target != b".":
                targets = [target] if targets is None else [*targets, target]
    if targets is not None:
        learn_additionals(message, targets[:TARGETS_MOST], device, memory, matches, now)


def learn_hints(
    message: DnsMessage, record: DnsRecord, alias: bytes, device: Device, memory: AnswerCache, now: float
) -> None:
    """Stores the address hints of a service binding for the name without its port prefix (RFC 9460 section 2.3)."""
    name = without_prefix(message.name)
    if not name:
        return
    for address in svcb_hints(message, record):
        memory.remember(device, address, name, alias, record.ttl, now)


def learn_additionals(
    message: DnsMessage, targets: list[bytes], device: Device, memory: AnswerCache, matches: Matches, now: float
) -> None:
    """Stores the addresses of the hosts that the answer names. A host that no list contains gets the queried name as
    its alias, and so its vendor.
    """
    name = without_prefix(message.name)
    known = name if name and matches.of(name).entry is not None else b""
    for record in additional_records(message):
        if record.name in targets:
            address = record_address(message, record)
            if address:
                target = matches.of(record.name)
                alias = known if target.entry is None else b""
                memory.remember(device, address, target.name, alias, record.ttl, now)


def without_prefix(name: bytes) -> bytes:
    """Returns the name without leading labels such as `_https._tcp`, which name a service and not a host (RFC 8552)."""
    while name and name[0] == UNDERSCORE:
        cut = name.find(b".")
        name = name[cut + 1 :] if cut >= 0 else b""
    return name


def follow(message: DnsMessage, asked: bytes) -> list[bytes]:
    """Returns the question's name and the names that it leads to by CNAME records and alias-mode service bindings."""
    links: dict[bytes, bytes] = {}
    for record in message.answers:
        if record.klass != CLASS_IN:
            continue
        if record.type == TYPE_CNAME:
            links[record.name] = record_name(message, record)
        elif (record.type == TYPE_HTTPS or record.type == TYPE_SVCB) and svcb_is_alias(message, record):
            links[record.name] = svcb_target(message, record)
    chain = [asked]
    target = links.get(asked, b"")
    while target and target not in chain and len(chain) < CHAIN_MOST:
        chain.append(target)
        target = links.get(target, b"")
    return chain


def known_alias(chain: list[bytes], matches: Matches) -> bytes:
    """Returns the first name after the question that belongs to a vendor's own infrastructure, shipped vendors first.

    If a shipped vendor has the question's own name, no alias is needed. A name on shared infrastructure (weak) shows
    only who delivers the content.
    """
    asked = matches.of(chain[0]).entry
    if asked is not None and not asked.user:
        return b""
    listed = b""
    for name in chain[1:]:
        entry = matches.of(name).entry
        if entry is not None and not entry.weak:
            if not entry.user:
                return name
            listed = listed or name
    return listed if asked is None else b""
