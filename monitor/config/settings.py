"""Converts the configuration into the settings of the core and the lists."""

import secrets
from collections.abc import Mapping

from monitor.config.sections import SKIP, Config, GeoSection
from monitor.core.settings import PSEUDONYM, Lookup, Settings
from monitor.lists.copies import is_subscription
from monitor.lists.subscription import Subscription
from monitor.lists.user import UserList

PSEUDONYM_KEY_BYTES = 16


def core_settings(
    config: Config,
    flows: str,
    interfaces: tuple[str, ...] = (),
    connected: Mapping[str, tuple[str, ...]] | None = None,
    events: frozenset[str] = frozenset(),
    lookup: Lookup | None = None,
    pseudonym_key: bytes = b"",
) -> Settings:
    """Returns the core's settings. `interfaces`, `connected` and `flows` come from the machine or the capture file;
    `events` are the event types with a consumer.

    If pseudonyms are configured and no key is given, a random key is used, and pseudonyms change with a restart.
    """
    fresh = secrets.token_bytes(PSEUDONYM_KEY_BYTES) if config.privacy.device == PSEUDONYM else b""
    return Settings(
        local=tuple(map(str, config.capture.local)),
        nat64=tuple(map(str, config.capture.nat64)),
        flows=flows,
        interfaces=interfaces,
        connected=connected,
        groups=config.groups,
        events=events,
        device=config.privacy.device,
        pseudonym_key=pseudonym_key or fresh,
        lookup=lookup,
        limits=config.limits,
    )


def open_lookup(geo: GeoSection) -> Lookup | None:
    """Opens the MMDB files; returns None if none is configured. Raises `ConfigError` if one cannot be read."""
    if not geo.asn and not geo.country:
        return None
    # Imported here, because reading MMDB files needs 80 ms of imports, and most installations have none.
    from monitor.lists.geo import Geo as Files

    return Files(geo.asn, geo.country).lookup


def subscriptions(config: Config) -> list[Subscription]:
    """Returns all `[[list]]` sections that are fetched."""
    return [
        Subscription(
            user, source.interval, source.timeout, source.sha256, source.minisign, source.public_suffixes == SKIP
        )
        for user, source in zip(user_lists(config), config.lists, strict=True)
        if is_subscription(user.url)
    ]


def user_lists(config: Config) -> list[UserList]:
    """Returns all `[[list]]` sections; a list without a vendor is a vendor of the list's name."""
    return [
        UserList(
            name=source.name,
            url=source.url,
            vendor=source.vendor or source.name,
            format=source.format,
            max_bytes=source.max_bytes,
            max_entries=source.max_entries,
            state=config.state.path,
            protected=config.protect.names,
        )
        for source in config.lists
    ]
