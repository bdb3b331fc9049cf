"""Looks up AS numbers and countries in MMDB files of MaxMind, DB-IP, IPinfo and ip-location-db.

The country is the one where an address block is registered, not the location of its host.

The library's C reader writes past its buffers on a damaged file and crashes the process, so its Python reader is used,
which raises exceptions of many types. It is slower (about 30 µs per address), so results are cached.
"""

import ipaddress
from itertools import islice
from typing import Final, final

import maxminddb

from monitor.errors import ConfigError
from monitor.lists.refusal import refusal

# Number of records that are read to determine the content of a database.
SAMPLE_RECORDS: Final = 1_000
# Maximum of cached answers; a full cache is emptied.
ANSWERS_KEPT: Final = 65_536

ASN_KEYS: Final = ("autonomous_system_number", "asn", "as_number")
COUNTRY_KEYS: Final = ("country_code", "country")


def asn_of(record: object) -> int:
    """Returns the AS number of a record, 0 if it has none."""
    if not isinstance(record, dict):
        return 0
    for key in ASN_KEYS:
        value = record.get(key)
        if isinstance(value, str):
            value = int(value[2:]) if value[:2].upper() == "AS" and value[2:].isdigit() else 0
        if isinstance(value, int) and value > 0:
            return value
    return 0


def country_of(record: object) -> str:
    """Returns the ISO 3166 code of a record, `""` if it has none."""
    if not isinstance(record, dict):
        return ""
    for key in COUNTRY_KEYS:
        value = record.get(key)
        if isinstance(value, dict):
            value = value.get("iso_code")
        if isinstance(value, str) and len(value) == 2 and value.isalpha():
            return value.upper()
    return ""


def open_database(path: str, key: str) -> maxminddb.Reader:
    """Opens the MMDB file for the configuration's `key` (`asn` or `country`).

    Raises ConfigError, in one line, if the file cannot be read, is damaged, or has other content.
    """
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
        sample = [record for _, record in islice(reader, SAMPLE_RECORDS)]
    except OSError as error:
        raise ConfigError(f"[geo] {key}: {path} cannot be read: {refusal(error)}") from error
    except Exception as error:
        raise ConfigError(f"[geo] {key}: {path} is not an MMDB file, or is damaged: {one_line(error)}") from error
    wanted = asn_of if key == "asn" else country_of
    if not any(wanted(record) for record in sample):
        kind = reader.metadata().database_type
        reader.close()
        raise ConfigError(f"[geo] {key}: {path} is a database of type {kind!r}, without a value for {key}")
    return reader


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@final
class Geo:
    """Looks up packed addresses in up to two databases; `asn` and `country` are paths, `""` for none.

    `faults` counts records that could not be read, the only sign of a database that is damaged in the middle.
    """

    def __init__(self, asn: str = "", country: str = "") -> None:
        self.faults = 0
        self._answers: dict[bytes, tuple[int, str]] = {}
        self._asn = open_database(asn, "asn") if asn else None
        self._country = open_database(country, "country") if country else None

    def lookup(self, address: bytes) -> tuple[int, str]:
        """Returns the AS number (0: unknown) and the country code (`""`: unknown) of a packed address."""
        answer = self._answers.get(address)
        if answer is None:
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.clear()
            answer = asn_of(self._record(self._asn, address)), country_of(self._record(self._country, address))
            self._answers[address] = answer
        return answer

    def close(self) -> None:
        for reader in (self._asn, self._country):
            if reader is not None:
                reader.close()

    def _record(self, reader: maxminddb.Reader | None, address: bytes) -> object:
        if reader is None or (len(address) == 16 and reader.metadata().ip_version == 4):
            return None
        try:
            return reader.get(ipaddress.ip_address(address))
        except Exception:
            self.faults += 1
            return None
