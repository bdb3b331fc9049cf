"""The arguments of every verb. `--help` is the reference; few imports keep it quick."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import Final

from monitor.cli.parser.doctor import add_doctor
from monitor.cli.parser.lists import add_catalog, add_lists
from monitor.cli.parser.parts import JSON_HELP, Verbs, add_config, add_json, add_verb
from monitor.cli.parser.policy import DEVICE_HELP, add_policy_verbs
from monitor.cli.parser.service import add_service_verbs
from monitor.cli.paths import CONFIG_PATH

DESCRIPTION: Final = """\
Shows which vendors each device behind a Linux gateway talks to, counts the bytes, and bans vendors."""

EPILOG: Final = f"""\
exit codes: 0 ok, 1 a finding, 2 bad usage or configuration, 3 a missing privilege or kernel feature

The configuration is {CONFIG_PATH} where it exists, else the defaults; `gatewatch check` reports mistakes
in it, and the example shipped beside the service file explains every key."""


def build_parser() -> ArgumentParser:
    parser = ArgumentParser(
        "gatewatch", description=DESCRIPTION, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--version", action="store_true", help="print the version, and whether the compiled core is in use"
    )
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB")
    for add in (
        _run,
        _replay,
        _lab,
        _check,
        _why,
        _status,
        _devices,
        _top,
        _report,
        add_lists,
        add_catalog,
        add_doctor,
    ):
        add(verbs)
    add_policy_verbs(verbs)
    add_service_verbs(verbs)
    return parser


def parse_arguments(arguments: list[str] | None) -> tuple[ArgumentParser, Namespace]:
    """Returns the parser and the parsed arguments; bad usage ends the process with 2, as argparse does."""
    parser = build_parser()
    return parser, parser.parse_args(arguments)


def _run(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "run",
        "run the daemon: watch the network, enforce bans",
        "Needs CAP_NET_RAW and CAP_NET_ADMIN. If no interfaces are given or configured, a forwarding host watches\n"
        "every interface that is up, has a private or ULA prefix and is not that of the default route; any other\n"
        "host watches the interface of the default route. The log contains the chosen interfaces and the reason.\n"
        "SIGHUP reloads configuration and lists, SIGTERM stops the daemon.",
    )
    add_config(verb)
    verb.add_argument(
        "-i", "--interface", action="append", default=[], metavar="IFACE", help="watch this interface; may be repeated"
    )
    verb.add_argument(
        "--lenient",
        action="store_true",
        help="start even if a ban names a subject that is in no list: that ban is ineffective",
    )


def _replay(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "replay",
        "analyse capture files as if they were live traffic",
        "Reads pcap and pcapng, also compressed with gzip, needs no privileges and prints a table: vendor, service,\n"
        "devices, upload, download, evidence. Several files form one timeline, ordered by time, as tcpdump -C and\n"
        "dumpcap rotate them. A damaged file is read as far as possible; the exit code is then 1.",
    )
    verb.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng; - is standard input")
    verb.add_argument(
        "--config",
        metavar="FILE",
        help="TOML file (default: built-in defaults, so that results are the same on every machine)",
    )
    verb.add_argument(
        "--separate", action="store_true", help="analyse each file by itself, without names and flows of the others"
    )
    verb.add_argument("--eve", metavar="PATH", help="write events to PATH as EVE JSON lines; - is standard output")
    add_json(verb)


def _lab(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "lab",
        "try gatewatch with real traffic in network namespaces",
        "Builds a gateway, clients, a resolver and vendor servers in network namespaces, runs real programs in them\n"
        "and shows what gatewatch reports. Needs root, changes nothing outside the namespaces and removes them at the\n"
        "end.",
    )
    verb.add_argument("--seconds", type=float, metavar="N", help="duration of the traffic in seconds")


def _check(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "check",
        "report mistakes in the configuration and the lists",
        "Prints one line per mistake: file, line, what is wrong, the nearest valid key. The exit code is 2 if the\n"
        "configuration or a list cannot be used or a ban names a subject that is in no list, and 1 if something else\n"
        "will not work as written.",
    )
    verb.add_argument("--lenient", action="store_true", help="exit code 0 if no mistake prevents the start")
    add_config(verb)


def _why(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "why",
        "show which vendor a name or address belongs to, and by which list entry",
        "Names match by whole labels from the right, the longest entry wins. An address matches vendors' own prefixes\n"
        "first, then prefixes of clouds, then its AS number if a [geo] file is configured.",
    )
    verb.add_argument(
        "queries",
        nargs="+",
        metavar="NAME|ADDRESS",
        help="also a URL, AS64500, or the word for an app or company as in `ban`; - reads them from standard input",
    )
    verb.add_argument("--device", metavar="D", help=f"ask the running daemon what it knows for {DEVICE_HELP}")
    add_config(verb)
    add_json(
        verb, "print one JSON object per line: query, vendor, service, list, entry, category (null if nothing matches)"
    )


def _status(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "status",
        "show status",
        "Asks the running daemon over its socket. The exit code is 1 if a component is unhealthy. An ineffective ban\n"
        "is shown, but makes the exit code 1 only with --strict: a restart would not fix it.",
    )
    verb.add_argument("--strict", action="store_true", help="exit code 1 also if a ban is ineffective")
    add_json(verb)


def _devices(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "devices",
        "list the devices and their vendors",
        "Asks the running daemon for the devices it has seen and the vendors they talk to.",
    )
    add_json(verb)


def _top(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "top",
        "show the largest current flows",
        "On a terminal the table is refreshed every second until Ctrl-C; otherwise it is printed once.",
    )
    verb.add_argument(
        "-n", "--lines", type=int, default=0, metavar="N", help="at most N lines (default: as many as fit the screen)"
    )
    verb.add_argument("--once", action="store_true", help="print the table once, also on a terminal")
    add_json(verb)


def _report(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "report",
        "report traffic by day, device and vendor",
        "Reads the journal in the state directory and needs no daemon. Counts what bans blocked (DNS queries, flows,\n"
        "packets) and the bytes that leaked. Packets rejected by address are counted without a device.\n"
        "Devices have the names that [privacy] required at that time.",
    )
    verb.add_argument(
        "--since",
        default="7d",
        metavar="TIME",
        help="first day: a time ago such as 7d, or a date such as 2026-12-31 (default: 7d)",
    )
    verb.add_argument(
        "--vendor",
        default="",
        metavar="V",
        help="only this vendor, service or category, by any word that `ban` accepts",
    )
    verb.add_argument("--service", default="", metavar="S", help="only this service, of the given vendor or of any")
    verb.add_argument("--group", default="", metavar="G", help="only this group")
    kinds = verb.add_mutually_exclusive_group()
    kinds.add_argument("--json", action="store_true", help=JSON_HELP)
    kinds.add_argument("--csv", action="store_true", help="print comma-separated values, one line per row")
    add_config(verb)
