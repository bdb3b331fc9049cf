"""What enforcement stands on beside the policy."""

from dataclasses import dataclass

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.core.settings import Settings
from monitor.kernel.netlink.interfaces import Interface


@dataclass(frozen=True)
class EnforcementContext:
    """The catalogue, the groups and the LAN as they are now; `own` are the gateway's addresses as text, `links`
    the interfaces that are there, `unrouted` those that frames cross without being routed. `sees_bridged`: such frames
    meet the rules for what is forwarded all the same, but no question of theirs is diverted.
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
        """The interfaces that frames cross past every rule."""
        return () if self.sees_bridged else self.unrouted

    def lost_questions(self) -> str:
        """Why questions are not diverted everywhere, `""` where they can be."""
        if not self.unrouted:
            return ""
        return f"frames cross {', '.join(self.unrouted)} without being routed, and no question of theirs is diverted"
