"""What one device was told: by its MAC or its address, nobody else's, and nothing where privacy forbids."""

import pytest
from cast import LAPTOP, LAPTOP_MAC, PHONE, PHONE_MAC, SHARED, START, gateway, packed, resolves

from monitor.core.settings import NONE, Settings


@pytest.mark.parametrize("key", [PHONE_MAC, packed(PHONE)])
def test_a_device_has_its_own_names(key: bytes) -> None:
    watched = gateway()
    story = resolves(PHONE, "www.google.com", SHARED) + resolves(PHONE, "www.tiktok.com", SHARED, 1.0)
    watched.feed(story + resolves(LAPTOP, "mail.example", SHARED, 2.0, mac=LAPTOP_MAC), START + 3)
    names = [claim.name for claim in watched.names_for(key, packed(SHARED))]
    assert names == [b"www.tiktok.com", b"www.google.com"]
    assert watched.names_for(packed("192.168.1.99"), packed(SHARED)) == []


def test_privacy_keeps_them_back() -> None:
    watched = gateway(Settings(device=NONE))
    watched.feed(resolves(PHONE, "www.google.com", SHARED), START + 3)
    assert watched.names_for(PHONE_MAC, packed(SHARED)) == []
