"""Which ports questions are diverted at: those of bridges whose frames meet the hooks of IPv4 or IPv6."""

import pytest
from cable import ip

from monitor.kernel.netlink.bridge_ports import GLOBAL, ports_of
from monitor.kernel.netlink.interfaces import look_at_machine
from monitor.lab.leftovers import LabLock

pytestmark = pytest.mark.netns


def test_ports_count_while_bridged_frames_meet_the_hooks() -> None:
    claim = LabLock()
    place = claim.namespace("bridge")
    try:
        place.create()
        for command in ("link add br0 type bridge", "link add p0 type veth peer p1", "link set p0 master br0"):
            ip(f"-n {place.name} {command}")

        def look() -> tuple[tuple[str, ...], ...]:
            machine = look_at_machine()
            return tuple(ports_of(machine, name) for name in ("br0", "p1", "absent0"))

        for called, wanted in ((0, ()), (1, ("p0",)), (0, ())):
            place.sysctl({f"bridge/{path.name}": called for path in GLOBAL})
            assert place.inside(look) == (wanted, (), ())
        place.sysctl({f"bridge/{GLOBAL[1].name}": 1})
        assert place.inside(look) == (("p0",), (), ())
    finally:
        claim.release()
