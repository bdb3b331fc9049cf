"""The arguments of every verb. `--help` is the reference; nothing here reads more than it must to be quick."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import Final

from monitor.cli.parser.doctor import add_doctor
from monitor.cli.parser.lists import add_catalog, add_lists
from monitor.cli.parser.parts import JSON_HELP, Verbs, add_config, add_json, add_verb
from monitor.cli.parser.policy import DEVICE_HELP, add_policy_verbs
from monitor.cli.parser.service import add_service_verbs
from monitor.cli.paths import CONFIG_PATH

DESCRIPTION: Final = """\
Says which vendor every device behind a Linux gateway talks to and how many bytes go each way."""

EPILOG: Final = f"""\
exit codes: 0 ok, 1 a finding, 2 bad usage or configuration, 3 a missing privilege or kernel feature

The configuration is {CONFIG_PATH} where it exists, else the defaults; `gatewatch check` says what is wrong
with it, and the example shipped beside the service file explains every key."""


def build_parser() -> ArgumentParser:
    parser = ArgumentParser(
        "gatewatch", description=DESCRIPTION, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="store_true", help="print the version and the engine that runs")
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
    """The parser beside what it parsed; bad usage ends the process with 2, as argparse does."""
    parser = build_parser()
    return parser, parser.parse_args(arguments)


def _run(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "run",
        "watch the network: the daemon",
        "Needs CAP_NET_RAW and CAP_NET_ADMIN. Without interfaces it takes, on a forwarding host, every interface\n"
        "that is up and has a private or ULA prefix and is not the default route's, else the default route's,\n"
        "and says which and why. SIGHUP reloads configuration and lists, SIGTERM stops.",
    )
    add_config(verb)
    verb.add_argument(
        "-i", "--interface", action="append", default=[], metavar="IFACE", help="watch this one; may come several times"
    )
    verb.add_argument(
        "--lenient", action="store_true", help="start also if a ban names what no list knows: that ban is ineffective"
    )


def _replay(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "replay",
        "read capture files as if they happened now",
        "Reads pcap and pcapng, also packed with gzip, needs no privileges and ends with a table: vendor, service,\n"
        "devices, upload, download, evidence. Several files are one timeline, in the order of time, as tcpdump -C and\n"
        "dumpcap rotate them. A damaged file is read as far as it goes and makes the exit code 1.",
    )
    verb.add_argument("files", nargs="+", metavar="FILE", help="pcap or pcapng; - is standard input")
    verb.add_argument(
        "--config", metavar="FILE", help="TOML file (default: the defaults, so that a result is the same everywhere)"
    )
    verb.add_argument(
        "--separate", action="store_true", help="read each file by itself: no name or flow of another one"
    )
    verb.add_argument("--eve", metavar="PATH", help="write the events there as EVE JSON lines; - is standard output")
    add_json(verb)


def _lab(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "lab",
        "try it out in network namespaces with real traffic",
        "Builds a gateway, clients, a resolver and vendor servers in namespaces of their own, lets real programs talk\n"
        "and shows what gatewatch saw. Needs root; touches nothing outside and leaves nothing behind.",
    )
    verb.add_argument("--seconds", type=float, metavar="N", help="how long the traffic lasts")


def _check(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "check",
        "say what is wrong with the configuration and the lists",
        "Prints a line a mistake: file, line, what is wrong, the nearest valid key. 2 if the configuration or a list\n"
        "cannot be used or a ban names what no list knows, 1 if it can but something in it will not work as written.",
    )
    verb.add_argument("--lenient", action="store_true", help="0 also where what was found keeps nothing from starting")
    add_config(verb)


def _why(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "why",
        "say which vendor a name or address belongs to, and by which list entry",
        "Names match by whole labels from the right, the longest entry wins. An address matches vendors' own prefixes\n"
        "first, then those of clouds, then its AS number where a [geo] file is configured.",
    )
    verb.add_argument(
        "queries",
        nargs="+",
        metavar="NAME|ADDRESS",
        help="also a URL, AS64500, or the word for an app or company as in `ban`; - reads them from standard input",
    )
    verb.add_argument("--device", metavar="D", help=f"what the running daemon knows of it for {DEVICE_HELP}")
    add_config(verb)
    add_json(
        verb, "print one JSON object a line: query, vendor, service, list, entry, category (null where nothing matches)"
    )


def _status(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "status",
        "say how the daemon is",
        "Asks the running daemon over its socket. 1 if a component is not well. A ban that is ineffective is shown,\n"
        "and makes the exit code 1 only with --strict: a restart would not mend it.",
    )
    verb.add_argument("--strict", action="store_true", help="1 also if a ban is ineffective")
    add_json(verb)


def _devices(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "devices",
        "list the devices and their vendors",
        "Asks the running daemon: who is there, and who talks to whom.",
    )
    add_json(verb)


def _top(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "top",
        "show who talks to whom now",
        "On a terminal the table is renewed every second until Ctrl-C; elsewhere it is printed once.",
    )
    verb.add_argument(
        "-n", "--lines", type=int, default=0, metavar="N", help="at most so many lines (default: the screen)"
    )
    verb.add_argument("--once", action="store_true", help="print it once, also on a terminal")
    add_json(verb)


def _report(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "report",
        "tell who talked to which vendor, by day",
        "Reads the journal in the state directory, also where no daemon runs. Counts what bans blocked (questions,\n"
        "flows, packets) and the bytes that leaked. Packets refused by address are counted without a device.\n"
        "How devices are named is as [privacy] was at that time.",
    )
    verb.add_argument(
        "--since",
        default="7d",
        metavar="TIME",
        help="from the day so long ago, such as 7d, or 2026-12-31 (default: 7d)",
    )
    verb.add_argument(
        "--vendor", default="", metavar="V", help="this vendor, service or category only, by any word as in `ban`"
    )
    verb.add_argument("--service", default="", metavar="S", help="this service only, of the vendor or of any")
    verb.add_argument("--group", default="", metavar="G", help="this group only")
    kinds = verb.add_mutually_exclusive_group()
    kinds.add_argument("--json", action="store_true", help=JSON_HELP)
    kinds.add_argument("--csv", action="store_true", help="print comma-separated values, a line a row")
    add_config(verb)
