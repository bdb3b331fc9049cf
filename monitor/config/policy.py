"""The configuration's bans and exceptions as the policy wants them."""

import time

from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.config.targets import with_subjects
from monitor.policy.ban import Ban
from monitor.policy.overrides import EffectivePolicy, distinct
from monitor.policy.policy import Policy


def configured_standing(config: Config, index: Index) -> EffectivePolicy:
    """Every `[[ban]]` that is enabled and every `[[exception]]`, in their order.

    Words for vendors, services and categories mean what they mean in the index.
    """
    config = with_subjects(config, index)
    return EffectivePolicy(tuple(distinct([ban for ban in config.bans if ban.enabled])), config.exceptions)


class EffectivePolicyCache:
    """`configured_standing`, computed once for a configuration and an index: resolving words takes milliseconds."""

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
    """Every `[[ban]]`, enabled or not, in the order of the file."""
    return distinct(with_subjects(config, index).bans)


def build_policy(config: Config, standing: EffectivePolicy) -> Policy:
    """The judge over what `standing` says, on this machine's wall clock."""
    return Policy(standing.bans, standing.exemptions, protected_names(config), local_time, standing.paused_until)


def protected_names(config: Config) -> tuple[bytes, ...]:
    """The names of `[protect]`, beside which the built-in ones always stand."""
    return tuple(name.encode() for name in config.protect.names)


def local_time(now: float) -> tuple[int, int]:
    """Weekday (0: Monday) and minute of the day on this machine's wall."""
    local = time.localtime(now)
    return local.tm_wday, local.tm_hour * 60 + local.tm_min
