"""Describes a flow at one moment, looked up once for all rules that judge it."""

from typing import Final, final

from monitor.attribution.counters import Attribution
from monitor.attribution.flows import Flow


@final
class Description:
    """`attribution`: the vendor of the flow, and the evidence. `name`: the result of `flow_name`.

    `categories`: slugs for the flow's name and address, without those of a name from another device's answer. `is_own`:
    the name is from a valid answer to the flow's own device.
    """

    __slots__ = ("attribution", "categories", "is_own", "name")

    def __init__(self, attribution: Attribution, name: bytes, categories: tuple[str, ...], is_own: bool) -> None:
        self.attribution: Final = attribution
        self.name: Final = name
        self.categories: Final = categories
        self.is_own: Final = is_own

    def with_attribution(self, attribution: Attribution) -> "Description":
        """Returns the same description with another attribution."""
        return Description(attribution, self.name, self.categories, self.is_own)


def flow_name(flow: Flow) -> bytes:
    """Returns the name of the flow: inherited, from its answer, or from its own ClientHello; `b""` if it has none."""
    if flow.inherited and not flow.host:
        return flow.inherited
    claim = flow.claim
    return claim.name if claim is not None and (flow.ech or not flow.host) else flow.host
