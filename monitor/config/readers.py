"""One function per section: reads its keys, checks their types and the constraints between them."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from monitor.config.device_address import device_address
from monitor.config.faults import EVERYONE
from monitor.config.location import below, location, minisign_key, sha256
from monitor.config.schedule import schedule
from monitor.config.sections import (
    DEVICE_DETAIL,
    EVENT_TYPES,
    FLOW_SOURCES,
    LIST_FORMATS,
    SUFFIX_CHOICES,
    CaptureSection,
    Config,
    Events,
    GeoSection,
    ListSource,
    Metrics,
    Privacy,
    Protect,
    Selftest,
    StateSection,
)
from monitor.config.subjects import device, group_name, interface, list_name, member, name, subject, vendor_name, word
from monitor.config.table import Table, chosen
from monitor.config.targets import as_written
from monitor.config.values import address, duration, endpoint, moment, nat64_prefix, prefix, size
from monitor.limits import Limits
from monitor.policy.ban import CLOSED, COUNT, KEEP, LAYERS, MODES, OPEN, REJECT, STRIP, Ban, Exemption
from monitor.policy.group_words import BUT, words_of
from monitor.policy.groups import Group
from monitor.policy.overrides import ban_id
from monitor.policy.schedule import ALWAYS
from monitor.sinkhole.settings import ANSWERS, UPSTREAMS, SinkholeSettings

S = TypeVar("S")

JOURNAL_BYTES_MIN: Final = 1_048_576
TTL_MAX: Final = 86_400
SELFTEST_SECONDS_MIN: Final = 1.0
# Default values of optional keys: compiled classes do not expose them as class attributes.
_BAN: Final = Ban("", ())


def read_config(top: Table, path: str, digest: str) -> Config:
    """Reads all sections; relative paths are relative to the file's folder."""
    folder = Path(path).parent
    groups = _array(top, "group", _group)
    _unique([group.name for group in groups], top, "group")
    # An invalid group name has its own error, so references to it must not report another one.
    group_names = [group.name or written for group, written in zip(groups, top.texts("group", "name"), strict=True)]
    lists = _array(top, "list", lambda table: _list(table, folder))
    _unique([source.name for source in lists], top, "list")
    config = Config(
        capture=_section(top, "capture", _capture),
        metrics=_section(top, "metrics", lambda table: Metrics(table.parsed("listen", Metrics.listen, endpoint))),
        groups=groups,
        bans=_array(top, "ban", lambda table: _ban(table, group_names)),
        exceptions=_array(top, "exception", lambda table: _exemption(table, group_names)),
        sinkhole=_section(top, "sinkhole", _sinkhole),
        lists=lists,
        geo=_section(top, "geo", lambda table: _geo(table, folder)),
        events=_section(top, "events", lambda table: _events(table, folder)),
        state=_section(top, "state", lambda table: _state(table, folder)),
        privacy=_section(top, "privacy", _privacy),
        protect=_section(top, "protect", lambda table: Protect(table.parsed_list("names", Protect.names, name))),
        selftest=_section(top, "selftest", lambda table: Selftest(table.parsed("every", Selftest.every, _pause))),
        limits=_section(top, "limits", _limits),
        path=path,
        hash=digest,
    )
    top.finish()
    return config


def _section(top: Table, key: str, read: Callable[[Table], S]) -> S:
    return _finished(top.table(key), read)


def _array(top: Table, key: str, read: Callable[[Table], S]) -> tuple[S, ...]:
    return tuple(_finished(table, read) for table in top.tables(key))


def _finished(table: Table, read: Callable[[Table], S]) -> S:
    section = read(table)
    table.finish()
    return section


def _capture(table: Table) -> CaptureSection:
    return CaptureSection(
        interfaces=table.parsed_list("interfaces", CaptureSection.interfaces, interface),
        exclude=table.parsed_list("exclude", CaptureSection.exclude, interface),
        local=table.parsed_list("local", CaptureSection.local, prefix),
        flows=table.choice("flows", CaptureSection.flows, FLOW_SOURCES),
        nat64=table.parsed_list("nat64", CaptureSection.nat64, nat64_prefix),
    )


def _group(table: Table) -> Group:
    return Group(
        name=table.parsed("name", "", group_name, required=True),
        members=table.parsed_list("members", (), member),
    )


def _group_name(text: str, groups: list[str]) -> str:
    if text in EVERYONE and text not in groups:
        raise ValueError(f"no group is called '{text}': leave this key out, and the ban is for everyone")
    if not groups:
        raise ValueError(f"there is no [[group]], so none is '{text}'; without this key the ban is for everyone")
    if text.startswith(BUT):
        return BUT + chosen(text[len(BUT) :].strip(), groups)
    return chosen(text, groups)


def _exempted_group(text: str, groups: list[str]) -> str:
    if text.startswith(BUT):
        raise ValueError(f"an exception is for one group, and leaves none out, got '{text}'")
    if not groups:
        raise ValueError(f"there is no [[group]], so none is '{text}'")
    return chosen(text, groups)


def _ban(table: Table, groups: list[str]) -> Ban:
    vendors = table.parsed_list("vendors", (), subject)
    if not vendors:
        table.complain("vendors", "needs at least one vendor, vendor/service or category:name")
    named = words_of(table.parsed_list("groups", _BAN.groups, lambda text: _group_name(text, groups)))
    return Ban(
        id=ban_id(vendors, named) if vendors else "",
        subjects=tuple(map(as_written, vendors)),
        groups=named,
        mode=table.choice("mode", _BAN.mode, MODES),
        layers=frozenset(table.choices("layers", LAYERS, LAYERS)),
        schedule=table.any("schedule", ALWAYS, schedule),
        on_failure=table.choice("on_failure", _BAN.on_failure, (OPEN, CLOSED)),
        reason=table.text("reason", _BAN.reason),
        allow=table.parsed_list("allow", _BAN.allow, lambda text: name(text).encode()),
        blind=table.choice("blind", _BAN.blind, (COUNT, REJECT)),
        ech=table.choice("ech", _BAN.ech, (KEEP, STRIP)),
        enabled=table.flag("enabled", _BAN.enabled),
        protect=table.flag("protect", _BAN.protect),
    )


def _exemption(table: Table, groups: list[str]) -> Exemption:
    exemption = Exemption(
        device=table.parsed("device", b"", device),
        group=table.parsed("group", "", lambda text: _exempted_group(text, groups)),
        prefix=table.parsed("prefix", "", lambda text: str(prefix(text))),
        name=table.parsed("name", b"", lambda text: name(text).encode()),
        vendor=table.parsed("vendor", "", subject),
        until=table.any("until", 0.0, moment),
        reason=table.text("reason", ""),
    )
    if sum(map(table.has, ("device", "group", "prefix"))) != 1:
        table.complain("", "needs one of device, group and prefix")
    if table.has("name") == table.has("vendor"):
        table.complain("", "needs either a name or a vendor")
    return exemption


def _sinkhole(table: Table) -> SinkholeSettings:
    return SinkholeSettings(
        answer=table.parsed("answer", SinkholeSettings.answer, _answer),
        page=table.flag("page", SinkholeSettings.page),
        contact=table.text("contact", SinkholeSettings.contact),
        ttl=table.count("ttl", SinkholeSettings.ttl, most=TTL_MAX),
        upstream=table.any("upstream", SinkholeSettings.upstream, _upstream),
        exempt=table.parsed_list("exempt", SinkholeSettings.exempt, lambda text: address(text).packed),
    )


def _answer(text: str) -> str:
    if text in ANSWERS:
        return text
    try:
        return str(address(text))
    except ValueError:
        raise ValueError(f"expected {', '.join(ANSWERS)} or an address, got '{text}'") from None


def _upstream(value: object) -> str | tuple[bytes, ...]:
    if isinstance(value, str):
        if device_address(value) is not None:
            raise ValueError(f'expected "asked", "system" or a list of addresses: write ["{value}"]')
        return chosen(value, UPSTREAMS)
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return tuple(address(entry).packed for entry in value)
    raise ValueError('expected "asked", "system" or a list of addresses')


def _list(table: Table, folder: Path) -> ListSource:
    own = word if table.has("vendor") else list_name  # without `vendor`, the list's name is also its vendor
    return ListSource(
        name=table.parsed("name", "", own, required=True),
        url=table.parsed("url", "", lambda text: location(text, folder), required=True),
        format=table.choice("format", ListSource.format, LIST_FORMATS),
        vendor=table.parsed("vendor", ListSource.vendor, lambda text: vendor_name(text) if text else ""),
        interval=table.parsed("interval", ListSource.interval, duration),
        sha256=table.parsed("sha256", ListSource.sha256, sha256),
        minisign=table.parsed("minisign", ListSource.minisign, minisign_key),
        public_suffixes=table.choice("public_suffixes", ListSource.public_suffixes, SUFFIX_CHOICES),
        timeout=table.parsed("timeout", ListSource.timeout, duration),
        max_bytes=table.size("max_bytes", ListSource.max_bytes, size),
        max_entries=table.count("max_entries", ListSource.max_entries, least=1),
    )


def _pause(text: str) -> float:
    """Returns the seconds between two self-tests, 0: never. There is a minimum, because a self-test takes time."""
    seconds = duration(text)
    if 0 < seconds < SELFTEST_SECONDS_MIN:
        raise ValueError(f"expected 0 or at least {SELFTEST_SECONDS_MIN:g}s, got '{text}'")
    return seconds


def _geo(table: Table, folder: Path) -> GeoSection:
    return GeoSection(
        asn=below(folder, table.text("asn", GeoSection.asn)),
        country=below(folder, table.text("country", GeoSection.country)),
    )


def _events(table: Table, folder: Path) -> Events:
    path = table.text("path", Events.path)
    return Events(
        path=path if path == "-" else below(folder, path),
        types=table.choices("types", Events.types, EVENT_TYPES),
        max_bytes=table.size("max_bytes", Events.max_bytes, size),
        keep=table.count("keep", Events.keep),
    )


def _state(table: Table, folder: Path) -> StateSection:
    most = table.size("journal_max_bytes", StateSection.journal_max_bytes, size, least=0)
    if 0 < most < JOURNAL_BYTES_MIN:
        table.complain("journal_max_bytes", f"expected 0 or at least {JOURNAL_BYTES_MIN} bytes, got {most}")
    return StateSection(below(folder, table.parsed("path", StateSection.path, str, required=table.has("path"))), most)


def _privacy(table: Table) -> Privacy:
    return Privacy(
        retention_days=table.count("retention_days", Privacy.retention_days, least=1),
        device=table.choice("device", Privacy.device, DEVICE_DETAIL),
    )


def _limits(table: Table) -> Limits:
    """Reads every field of `Limits` as a key."""
    defaults = Limits()
    changed: dict[str, Any] = {}
    for limit in fields(Limits):
        default = getattr(defaults, limit.name)
        if isinstance(default, float):
            changed[limit.name] = table.number(limit.name, default)
        else:
            changed[limit.name] = table.count(limit.name, default, least=1)
    return replace(defaults, **changed)


def _unique(names: list[str], top: Table, key: str) -> list[str]:
    """Returns the names; adds an error for each duplicate."""
    for at, given in enumerate(names):
        if given and given in names[:at]:
            top.complain_at((key, at, "name"), f"'{given}' is there twice")
    return names
