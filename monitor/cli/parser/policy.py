"""The arguments of the verbs that change or show the policy."""

from argparse import ArgumentParser
from typing import Final

from monitor.cli.parser.parts import Verbs, add_config, add_json, add_verb
from monitor.policy.ban import LAYERS

VENDOR_HELP: Final = (
    "an app, company or category by any of its names (tiktok, WeChat, vpn; in any script), by a domain name or URL, or "
    "as vendor, vendor/service or category:NAME; `gatewatch catalog` lists them, the answer states what was taken"
)
DEVICE_HELP: Final = "a device: its MAC address in any notation, its address, or a host name that the daemon has seen"
GROUP_HELP: Final = "for this [[group]] only (default: everyone)"
SPAN_HELP: Final = "how long, such as 90s, 10m, 2h or 7d (default: no end)"
UNTIL_HELP: Final = "until 2026-12-31 (to its end), '2026-12-31 18:00' or 18:00, in local time"
EXPORTS: Final = ("rpz", "dnsmasq", "unbound", "hosts", "adblock", "nft")
KEPT: Final = (
    "Needs the running daemon. Who asked, what, why and until when is logged, written as an event of type `policy`\n"
    "and kept over a restart."
)


def add_policy_verbs(verbs: Verbs) -> None:
    for add in (_ban, _unban, _allow, _pause, _resume, _plan, _export):
        add(verbs)


def _reason(verb: ArgumentParser, required: bool = False) -> None:
    verb.add_argument("--reason", metavar="R", default="", required=required, help="why, for whoever asks later")


def _span(verb: ArgumentParser, text: str = SPAN_HELP, required: bool = False) -> None:
    end = verb.add_mutually_exclusive_group(required=required)
    end.add_argument("--for", dest="span", metavar="TIME", help=text)
    end.add_argument("--until", metavar="WHEN", help=UNTIL_HELP)


def _ban(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "ban",
        "ban a vendor from now on",
        "Running transfers are cut within a second. A ban takes the place of one of the configuration that is about\n"
        "the same vendor and group, until it is lifted or over.\n\n" + KEPT,
    )
    verb.add_argument("vendors", nargs="+", metavar="VENDOR", help=VENDOR_HELP)
    verb.add_argument("--group", metavar="G", default="", help=GROUP_HELP)
    _span(verb)
    verb.add_argument("--shadow", action="store_true", help="count what would be stopped, and stop nothing")
    verb.add_argument(
        "--layers",
        metavar="LIST",
        default="",
        help=f"where it bites, of {','.join(LAYERS)} (default: all, or those of the ban that it replaces)",
    )
    _reason(verb)
    add_json(verb)


def _unban(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "unban",
        "lift the bans of a vendor, those of the configuration too",
        "Everything works again within a second. Without a group every ban of exactly this vendor, service or\n"
        "category is lifted. What the configuration bans stays lifted until the next `ban` of the same, or until\n"
        "`resume --all`.\n\n" + KEPT,
    )
    verb.add_argument("vendors", nargs="+", metavar="VENDOR", help=VENDOR_HELP)
    verb.add_argument("--group", metavar="G", default="", help="for this [[group]] only (default: for all)")
    _span(verb)
    _reason(verb)
    add_json(verb)


def _allow(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "allow",
        "let one device reach a name in spite of all bans",
        "The name stands for itself and all below it. `--for 0` ends what was allowed before.\n\n" + KEPT,
    )
    verb.add_argument("name", metavar="NAME", help="a domain name or URL; or a vendor, service or category as in `ban`")
    verb.add_argument("--device", metavar="D", required=True, help=DEVICE_HELP)
    _span(verb, "how long, such as 1h", required=True)
    _reason(verb, required=True)
    add_json(verb)


def _pause(verbs: Verbs) -> None:
    verb = add_verb(
        verbs, "pause", "lift all bans for a while", "For finding out whether a ban is the culprit.\n\n" + KEPT
    )
    _span(verb, "how long, such as 10m (default: until `resume`)")
    _reason(verb)
    add_json(verb)


def _resume(verbs: Verbs) -> None:
    verb = add_verb(verbs, "resume", "put the bans in force again", "Ends a pause.\n\n" + KEPT)
    verb.add_argument(
        "--all", action="store_true", help="forget every change made at run time: the configuration alone rules"
    )
    _reason(verb)
    add_json(verb)


def _plan(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "plan",
        "print what the kernel would hold, and change nothing",
        "The table `inet gatewatch` that the configuration asks for at this moment, in nft's own words. Needs neither\n"
        "the daemon nor privileges; what changes were made at run time, `status` tells.",
    )
    add_config(verb)
    add_json(verb)


def _export(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "export",
        "print the bans for other tools",
        "Reads the configuration and the lists and needs no daemon: names of enforced bans with layer dns for\n"
        "resolvers and blockers, prefixes of those with layer ip for nft. Names that are allowed or protected stay\n"
        "free with all below them; what a format cannot say is told on standard error and left open. 1 where a\n"
        "list that bans name is missing: what is printed then bans less.",
    )
    verb.add_argument("format", choices=EXPORTS, metavar="FORMAT", help=", ".join(EXPORTS))
    verb.add_argument(
        "--group", metavar="G", default="", help="what holds for this [[group]] (default: what holds for everyone)"
    )
    add_config(verb)
