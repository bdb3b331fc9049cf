"""The input of enforcement besides the policy."""

from dataclasses import dataclass

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.core.settings import Settings
from monitor.kernel.netlink.interfaces import Interface


@dataclass(frozen=True)
class EnforcementContext:
    """The current catalogue, groups and LAN. `own` has the gateway's addresses as text, `links` the existing
    interfaces, `unrouted` the interfaces that frames cross by bridging. With `sees_bridged` the forward rules still
    match such frames, but their queries are not diverted.
    """

    config: Config
    settings: Settings
    index: Index
    interfaces: tuple[str, ...]
    own: tuple[str, ...]
    forwarding: bool
    links: tuple[Interface, ...]
    unrouted: tuple[str, ...] = ()
    sees_bridged: bool = False

    @property
    def bridged(self) -> tuple[str, ...]:
        """Returns the interfaces whose frames are bridged past the rules of the table."""
        return () if self.sees_bridged else self.unrouted

    def lost_questions(self) -> str:
        """Returns why queries cannot be diverted on some interfaces, `""` if they can be on all."""
        if not self.unrouted:
            return ""
        return f"frames cross {', '.join(self.unrouted)} without being routed, and no question of theirs is diverted"
