"""What enforcement stands on beside the policy."""

from dataclasses import dataclass

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.core.settings import Settings
from monitor.kernel.interfaces import Interface


@dataclass(frozen=True)
class Ground:
    """The catalogue, the groups and the LAN as they are now; `own` are the gateway's addresses as text, `links`
    the interfaces that are there, `bridged` those that frames cross without being routed.
    """

    config: Config
    settings: Settings
    index: Index
    interfaces: tuple[str, ...]
    own: tuple[str, ...]
    forwarding: bool
    links: tuple[Interface, ...]
    bridged: tuple[str, ...] = ()
