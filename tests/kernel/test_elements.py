"""Elements as nft sees them, and what becomes of bad ones among good ones."""

import json
from collections.abc import Iterator

import pytest
from cable import Cable, cable

from monitor.kernel.nft.elements import Elements
from monitor.kernel.nft.listing import Nftables
from monitor.kernel.nft.nfnetlink import Batches
from monitor.policy.table.change import AddElements, DeleteElements, ReplaceElements
from monitor.policy.table.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, MAC_KEY, Chain, Desired, SetSpec
from monitor.policy.table.rules import FLOW_V4, FLOW_V6
from monitor.policy.table.script import ruleset

pytestmark = pytest.mark.netns

V6 = bytes.fromhex("20010db8000000000000000000000001")
SPECS = {
    "mac": SetSpec(MAC_KEY),
    "v4": SetSpec(IPV4_KEY, timeouts=True),
    "v6": SetSpec(IPV6_KEY),
    "links": SetSpec(INTERFACE_KEY, timeouts=True, timeout=5),
    "flow4": SetSpec(FLOW_V4, timeouts=True),
    "flow6": SetSpec(FLOW_V6, timeouts=True),
    "pair": SetSpec(f"{MAC_KEY} . {IPV4_KEY}", timeouts=True),
    "net4": SetSpec(IPV4_KEY, interval=True, verdicts=True),
    "net6": SetSpec(IPV6_KEY, interval=True, verdicts=True),
    "owned": SetSpec(IPV4_KEY, verdicts=True, timeouts=True),
    "small": SetSpec(IPV4_KEY, size=10),
}
DESIRED = Desired(SPECS, {}, {"v_a": Chain(("drop",)), "v_b": Chain(("drop",))}, {})


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        ends.near.run(["nft", "-f", "-"], input=ruleset(DESIRED)).check_returncode()
        yield ends


@pytest.fixture
def elements(wire: Cable) -> Iterator[Elements]:
    batches, nftables = wire.near.inside(Batches), wire.near.inside(Nftables)
    made = Elements(batches, nftables)
    made.specs = SPECS
    yield made
    batches.close()
    nftables.close()


def listed(wire: Cable, name: str) -> list[object]:
    kind = "map" if SPECS[name].verdicts else "set"
    done = wire.near.run(["nft", "-j", "list", kind, "inet", "gatewatch", name])
    found = next(item[kind] for item in json.loads(done.stdout)["nftables"] if kind in item)
    return list(found.get("elem", []))


def go(chain: str) -> dict[str, dict[str, str]]:
    return {"goto": {"target": chain}}


@pytest.mark.parametrize(
    ("name", "key", "chain", "shown"),
    [
        ("mac", bytes.fromhex("02aabbccddee"), "", "02:aa:bb:cc:dd:ee"),
        ("v6", V6, "", "2001:db8::1"),
        ("net4", bytes((10, 0, 0, 3, 10, 0, 0, 9)), "v_a", [{"range": ["10.0.0.3", "10.0.0.9"]}, go("v_a")]),
        ("net4", bytes((0, 0, 0, 0, 0, 0, 0, 255)), "v_b", [{"prefix": {"addr": "0.0.0.0", "len": 24}}, go("v_b")]),
        ("net4", bytes((255, 0, 0, 0)) + b"\xff" * 4, "v_b", [{"prefix": {"addr": "255.0.0.0", "len": 8}}, go("v_b")]),
        ("net6", V6 + V6, "v_a", ["2001:db8::1", go("v_a")]),
        ("net6", bytes(16) + b"\xff" * 16, "v_a", [{"prefix": {"addr": "::", "len": 0}}, go("v_a")]),
    ],
)
def test_what_stays_is_what_was_given(
    wire: Cable, elements: Elements, name: str, key: bytes, chain: str, shown: object
) -> None:
    assert elements.change([AddElements(name, ((key, chain),))]) == 0
    assert listed(wire, name) == [shown]
    assert elements.change([AddElements(name, ((key, chain),))]) == 0, "once more is no fault"
    assert elements.change([DeleteElements(name, (key,))]) == 0
    assert listed(wire, name) == []


@pytest.mark.parametrize(
    ("name", "key", "shown"),
    [
        ("v4", bytes((192, 0, 2, 1)), "192.0.2.1"),
        ("links", b"br-lan", "br-lan"),
        ("flow4", bytes((192, 0, 2, 1, 10, 0, 0, 1)) + b"\x01\xbb\xc0\x00", ["192.0.2.1", "10.0.0.1", 443, 49152]),
        ("flow6", V6 + bytes(15) + b"\x02" + b"\x00\x35\xff\xff", ["2001:db8::1", "::2", 53, 65535]),
        ("pair", bytes.fromhex("02aabbccddee") + bytes((10, 0, 0, 1)), ["02:aa:bb:cc:dd:ee", "10.0.0.1"]),
    ],
)
def test_what_lapses_carries_its_time_and_name(
    wire: Cable, elements: Elements, name: str, key: bytes, shown: object
) -> None:
    for seconds in (50.0, 90.0):
        assert elements.renew(name, [(key, "")], seconds, b"www.example.com") == 0
        ((element),) = [item["elem"] for item in listed(wire, name)]
        assert element["val"] == ({"concat": shown} if isinstance(shown, list) else shown)
        assert (element["timeout"], element["comment"]) == (int(seconds), "www.example.com")
        assert seconds - 3 < element["expires"] <= seconds
    elements.drop(name, [key, key])
    assert listed(wire, name) == []


def test_bad_elements_are_left_out_and_counted(wire: Cable, elements: Elements) -> None:
    many = [(bytes((10, 1, number // 256, number % 256)), "v_a") for number in range(3000)]
    many[7] = (many[7][0], "v_missing")
    many[2999] = (many[2999][0], "v_missing")
    full = tuple([(bytes((10, 2, 0, number)), "") for number in range(15)])
    changes = [AddElements("owned", tuple(many)), AddElements("small", full), AddElements("mac", ((bytes(6), ""),))]
    assert elements.change(changes) == 7
    assert elements.refused == {("owned", "ENOENT"): 2, ("small", "ENFILE"): 5}
    assert [len(listed(wire, name)) for name in ("owned", "small", "mac")] == [2998, 10, 1]
    keys = tuple([key for key, _ in many])
    assert elements.change([DeleteElements("owned", keys)]) == 0, "what is gone is not missed"
    assert listed(wire, "owned") == []


def test_intervals_change_hands_in_one_batch(wire: Cable, elements: Elements) -> None:
    whole, left, right = (bytes((10, 0, 0, a, 10, 0, 0, b)) for a, b in ((0, 255), (0, 127), (128, 255)))
    elements.change([AddElements("net4", ((whole, "v_a"),))])
    before = dict(elements.transactions)
    assert elements.change([ReplaceElements("net4", (whole,), ((left, "v_a"), (right, "v_b")))]) == 0
    assert elements.transactions == {"ok": before["ok"] + 1, "failed": before["failed"]}
    assert listed(wire, "net4") == [
        [{"prefix": {"addr": "10.0.0.0", "len": 25}}, go("v_a")],
        [{"prefix": {"addr": "10.0.0.128", "len": 25}}, go("v_b")],
    ]
    nested = bytes((10, 0, 0, 5, 10, 0, 0, 6))
    assert elements.change([AddElements("net4", ((nested, "v_a"), (bytes((11, 0, 0, 0, 11, 0, 0, 9)), "v_a")))]) == 1
    assert len(listed(wire, "net4")) == 3
