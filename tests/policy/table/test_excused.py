"""Where the addresses of names go that pass in spite of a ban."""

from monitor.policy.ban import ENFORCE, Ban, Exemption, Subject
from monitor.policy.policy import Policy
from monitor.policy.table.excused import excused_elements, excused_names
from monitor.policy.table.exemption_rules import allow_set

MAC = bytes.fromhex("02aabbccdd01")
V4, V6 = bytes((71, 18, 1, 10)), bytes(15) + b"\1"
BAN = Ban("tiktok", (Subject("bytedance"),), mode=ENFORCE, allow=(b"newsroom.tiktok.com",))


def policy(*exemptions: Exemption) -> Policy:
    return Policy((BAN,), exemptions, (b"time.tiktok.com",), lambda now: (0, 0))


def test_allowed_names_pass_their_ban() -> None:
    found = excused_elements(policy(), b"a.newsroom.tiktok.com", [V4, V6], 1.0)
    assert found == {allow_set(BAN, 4): [V4], allow_set(BAN, 6): [V6]}


def test_exceptions_pass_for_their_device() -> None:
    device = bytes((192, 168, 1, 20))
    exempt = policy(Exemption(MAC, b"www.tiktok.com"), Exemption(device, b"www.tiktok.com"))
    found = excused_elements(exempt, b"www.tiktok.com", [V4, V6], 1.0)
    assert found == {"excused_mac4": [MAC + V4], "excused_mac6": [MAC + V6], "excused_ip4": [device + V4]}
    assert excused_elements(exempt, b"m.tiktok.com", [V4], 1.0) == {}
    over = policy(Exemption(MAC, b"www.tiktok.com", until=2.0))
    assert excused_elements(over, b"www.tiktok.com", [V4], 3.0) == {}


def test_protected_names_pass_for_everyone() -> None:
    assert excused_elements(policy(), b"time.tiktok.com", [V4], 1.0) == {"spared4": [V4]}
    assert excused_elements(policy(), b"captive.apple.com", [V6], 1.0) == {"spared6": [V6]}


def test_what_is_known_beforehand() -> None:
    assert excused_names(policy(Exemption(MAC, b"www.tiktok.com"), Exemption(MAC, vendor="meta"))) == [
        b"www.tiktok.com",
        b"newsroom.tiktok.com",
    ]
