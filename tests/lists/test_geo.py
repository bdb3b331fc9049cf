"""MMDB files of several makers, and those that are damaged or about something else."""

import ipaddress
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from monitor.errors import ConfigError
from monitor.lists.geo import Geo

RECORDS: dict[str, dict[str, object]] = {
    "GeoLite2-ASN": {"autonomous_system_number": 396986, "autonomous_system_organization": "Bytedance Inc."},
    "GeoLite2-Country": {"country": {"iso_code": "US", "names": {"en": "United States"}}},
    "iptoasn-country": {"country_code": "us"},
    "ipinfo lite": {"asn": "AS396986", "country": "US", "country_code": "US"},
}


def write(path: Path, kind: str, record: dict[str, object], version: int = 6) -> str:
    writer = MMDBWriter(ip_version=version, database_type=kind, ipv4_compatible=version == 6)
    writer.insert_network(IPSet(["71.18.0.0/16"]), record)
    if version == 6:
        writer.insert_network(IPSet(["2605:340::/32"]), record)
    writer.to_db_file(str(path))
    return str(path)


INSIDE = [ipaddress.ip_address(text).packed for text in ("71.18.1.1", "2605:340::1")]
OUTSIDE = [ipaddress.ip_address(text).packed for text in ("71.19.1.1", "2605:341::1")]


@pytest.mark.parametrize("kind", ["GeoLite2-ASN", "ipinfo lite"])
def test_as_numbers(tmp_path: Path, kind: str) -> None:
    geo = Geo(asn=write(tmp_path / "a.mmdb", kind, RECORDS[kind]))
    assert [geo.lookup(address) for address in INSIDE + OUTSIDE] == [(396986, "")] * 2 + [(0, "")] * 2
    geo.close()


@pytest.mark.parametrize("kind", ["GeoLite2-Country", "iptoasn-country", "ipinfo lite"])
def test_countries(tmp_path: Path, kind: str) -> None:
    geo = Geo(country=write(tmp_path / "c.mmdb", kind, RECORDS[kind]))
    assert [geo.lookup(address) for address in INSIDE + OUTSIDE] == [(0, "US")] * 2 + [(0, "")] * 2
    geo.close()


def test_an_ipv4_database_knows_no_ipv6(tmp_path: Path) -> None:
    geo = Geo(asn=write(tmp_path / "a.mmdb", "asn", {"asn": 396986}, version=4))
    assert [geo.lookup(address)[0] for address in INSIDE] == [396986, 0]
    assert geo.faults == 0
    geo.close()


def test_no_database_knows_nothing() -> None:
    assert Geo().lookup(INSIDE[0]) == (0, "")


@pytest.mark.parametrize(
    ("key", "kind"), [("asn", "GeoLite2-Country"), ("country", "GeoLite2-ASN"), ("asn", "iptoasn-country")]
)
def test_a_database_about_something_else_is_told(tmp_path: Path, key: str, kind: str) -> None:
    path = write(tmp_path / "x.mmdb", kind, RECORDS[kind])
    with pytest.raises(ConfigError, match=rf"^\[geo\] {key}: {path} is a database of type '{kind}', without"):
        Geo(**{key: path})


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^\[geo\] asn: .*/none.mmdb cannot be read: No such file"):
        Geo(asn=str(tmp_path / "none.mmdb"))


@pytest.mark.parametrize("data", [b"", b"not a database", b"\0" * 10_000])
def test_what_is_no_database_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.mmdb"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"^\[geo\] country: .*/bad.mmdb is not an MMDB file, or is damaged"):
        Geo(country=str(path))


def test_damage_anywhere_is_told_or_counted(tmp_path: Path) -> None:
    whole = Path(write(tmp_path / "a.mmdb", "asn", {"asn": 396986})).read_bytes()
    for at in range(0, len(whole), 7):
        path = tmp_path / "damaged.mmdb"
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :])
        try:
            geo = Geo(asn=str(path))
        except ConfigError:
            continue
        for address in INSIDE + OUTSIDE:
            geo.lookup(address)
        geo.close()


def test_answers_are_kept_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.lists.geo.ANSWERS_KEPT", 10)
    geo = Geo(asn=write(tmp_path / "a.mmdb", "asn", {"asn": 396986}))
    answers = {geo.lookup(bytes((71, 18, number, 1))) for number in range(256)}
    assert answers == {(396986, "")}
    geo.close()
