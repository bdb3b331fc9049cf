"""Converts the configuration's bans and exceptions into the types of the policy."""

import time

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.config.targets import with_subjects
from monitor.policy.ban import Ban
from monitor.policy.overrides import EffectivePolicy, distinct
from monitor.policy.policy import Policy


def configured_standing(config: Config, index: Index) -> EffectivePolicy:
    """Returns all enabled `[[ban]]` and all `[[exception]]` sections, in order.

    Words for vendors, services and categories are resolved with the index.
    """
    config = with_subjects(config, index)
    return EffectivePolicy(tuple(distinct([ban for ban in config.bans if ban.enabled])), config.exceptions)


class EffectivePolicyCache:
    """Caches `configured_standing` for one configuration and index: resolving words takes milliseconds."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._index: Index | None = None
        self._standing = EffectivePolicy()

    def of(self, config: Config, index: Index) -> EffectivePolicy:
        if config is not self._config or index is not self._index:
            self._standing = configured_standing(config, index)
            self._config, self._index = config, index
        return self._standing


def every_ban(config: Config, index: Index) -> list[Ban]:
    """Returns all `[[ban]]` sections, enabled or not, in the order of the file."""
    return distinct(with_subjects(config, index).bans)


def build_policy(config: Config, standing: EffectivePolicy) -> Policy:
    """Returns the policy for `standing`, evaluated in local time."""
    return Policy(standing.bans, standing.exemptions, protected_names(config), local_time, standing.paused_until)


def protected_names(config: Config) -> tuple[bytes, ...]:
    """Returns the names of `[protect]`; built-in names are always protected in addition."""
    return tuple(name.encode() for name in config.protect.names)


def local_time(now: float) -> tuple[int, int]:
    """Returns the local weekday (0: Monday) and minute of the day."""
    local = time.localtime(now)
    return local.tm_wday, local.tm_hour * 60 + local.tm_min
