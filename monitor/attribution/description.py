"""What is known of a flow at one moment, looked up once for everything that judges it."""

from typing import Final, final

from monitor.attribution.counters import Attribution
from monitor.attribution.flows import Flow


@final
class Description:
    """`attribution`: the vendor of the flow, and the evidence. `name`: as `flow_name` returns it.

    `categories`: slugs of its name and its address; those of a name that another device's answer gave are left out.
    `is_own`: the name is from an answer that the flow's own device was given, and which it still believes.
    """

    __slots__ = ("attribution", "categories", "is_own", "name")

    def __init__(self, attribution: Attribution, name: bytes, categories: tuple[str, ...], is_own: bool) -> None:
        self.attribution: Final = attribution
        self.name: Final = name
        self.categories: Final = categories
        self.is_own: Final = is_own

    def with_attribution(self, attribution: Attribution) -> "Description":
        """The same flow, where another attribution decides."""
        return Description(attribution, self.name, self.categories, self.is_own)


def flow_name(flow: Flow) -> bytes:
    """The name that the flow goes by: one that it inherited, of its answer, or of its own hello; `b""` without one."""
    if flow.inherited and not flow.host:
        return flow.inherited
    claim = flow.claim
    return claim.name if claim is not None and (flow.ech or not flow.host) else flow.host
