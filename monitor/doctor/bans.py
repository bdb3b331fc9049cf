"""Finds bans of the configuration that cannot stop anything."""

from collections.abc import Iterator
from typing import Final

from monitor.config.ban_faults import configured_states
from monitor.config.settings import user_lists
from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.lists.cache import load_cached
from monitor.policy.ban_conditions import ALLOW, GROUPS, INEFFECTIVE, LAYERS_KEY, SCHEDULE, UNKNOWN, VENDORS

TOPIC: Final = "bans"
CHECK: Final = "gatewatch check   # prints the line of the configuration"
# The fix of each mistake, by the configuration key.
MENDS: Final = {
    UNKNOWN: "gatewatch check   # prints the line and suggestions",
    VENDORS: "gatewatch lists   # prints the entries and faults of each list",
    GROUPS: 'members = ["aa:bb:cc:dd:ee:ff", ...] in [[group]]   # `gatewatch devices` prints the addresses',
    LAYERS_KEY: 'layers = ["dns", "sni", "ip"] in [[ban]]',
    SCHEDULE: 'schedule = "mon-fri 08:00-18:00" in [[ban]]   # or no schedule: always',
    ALLOW: "allow = [] in [[ban]]   # or only the names that must stay reachable",
}


def find(case: Case) -> Iterator[Finding]:
    if not case.config.bans:
        return
    for _, one in configured_states(case.config, load_cached(user_lists(case.config))):
        told: set[str] = set()
        for pair in one.pairs:
            if pair.state == INEFFECTIVE and pair.reason not in told:
                told.add(pair.reason)
                about = f"the ban of {pair.subject} for {pair.group} is ineffective"
                yield Finding(TOPIC, f"{about}: {pair.reason}", MENDS.get(pair.key, CHECK))
