"""The arguments of the verbs that change or show the policy."""

from argparse import ArgumentParser
from typing import Final

from monitor.cli.parser.parts import Verbs, add_config, add_json, add_verb
from monitor.policy.ban import LAYERS

VENDOR_HELP: Final = (
    "an app, company or category by any of its names (tiktok, WeChat, vpn; in any script), by a domain name or URL, or "
    "as vendor, vendor/service or category:NAME; `gatewatch catalog` lists them, the answer shows which one was taken"
)
DEVICE_HELP: Final = "a device: its MAC address in any notation, its address, or a host name that the daemon has seen"
GROUP_HELP: Final = "for this [[group]] only (default: everyone)"
SPAN_HELP: Final = "how long, such as 90s, 10m, 2h or 7d (default: no end)"
UNTIL_HELP: Final = "until 2026-12-31 (to its end), '2026-12-31 18:00' or 18:00, in local time"
EXPORTS: Final = ("rpz", "dnsmasq", "unbound", "hosts", "adblock", "nft")
KEPT: Final = (
    "Needs the running daemon. Each change is logged with its user, reason and end, written as an event of type\n"
    "`policy`, and kept across restarts."
)


def add_policy_verbs(verbs: Verbs) -> None:
    for add in (_ban, _unban, _allow, _pause, _resume, _plan, _export):
        add(verbs)


def _reason(verb: ArgumentParser, required: bool = False) -> None:
    verb.add_argument(
        "--reason", metavar="R", default="", required=required, help="the reason, for the log and the event"
    )


def _span(verb: ArgumentParser, text: str = SPAN_HELP, required: bool = False) -> None:
    end = verb.add_mutually_exclusive_group(required=required)
    end.add_argument("--for", dest="span", metavar="TIME", help=text)
    end.add_argument("--until", metavar="WHEN", help=UNTIL_HELP)


def _ban(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "ban",
        "ban a vendor from now on",
        "Running transfers are cut within a second. The ban replaces a configured ban of the same vendor and group\n"
        "until it is lifted or ends.\n\n" + KEPT,
    )
    verb.add_argument("vendors", nargs="+", metavar="VENDOR", help=VENDOR_HELP)
    verb.add_argument("--group", metavar="G", default="", help=GROUP_HELP)
    _span(verb)
    verb.add_argument("--shadow", action="store_true", help="count what the ban would block, and block nothing")
    verb.add_argument(
        "--layers",
        metavar="LIST",
        default="",
        help=f"the layers that block, of {','.join(LAYERS)} (default: all, or those of the ban that it replaces)",
    )
    _reason(verb)
    add_json(verb)


def _unban(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "unban",
        "lift the bans of a vendor, including configured ones",
        "The vendor is reachable again within a second. Without a group, every ban of exactly this vendor, service\n"
        "or category is lifted. A configured ban stays lifted until the next `ban` of the same subject, or until\n"
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
        "let one device reach a name despite all bans",
        "Applies to the name and its subdomains. `--for 0` ends an earlier `allow`.\n\n" + KEPT,
    )
    verb.add_argument("name", metavar="NAME", help="a domain name or URL; or a vendor, service or category as in `ban`")
    verb.add_argument("--device", metavar="D", required=True, help=DEVICE_HELP)
    _span(verb, "how long, such as 1h", required=True)
    _reason(verb, required=True)
    add_json(verb)


def _pause(verbs: Verbs) -> None:
    verb = add_verb(verbs, "pause", "lift all bans for a while", "Shows whether a ban causes a problem.\n\n" + KEPT)
    _span(verb, "how long, such as 10m (default: until `resume`)")
    _reason(verb)
    add_json(verb)


def _resume(verbs: Verbs) -> None:
    verb = add_verb(verbs, "resume", "put the bans in force again", "Ends a pause.\n\n" + KEPT)
    verb.add_argument(
        "--all", action="store_true", help="discard every change made at run time: only the configuration applies"
    )
    _reason(verb)
    add_json(verb)


def _plan(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "plan",
        "print the nftables table of the configuration, and change nothing",
        "Prints the table `inet gatewatch` that the configuration requires at this moment, in nft syntax. Needs\n"
        "neither the daemon nor privileges. Changes made at run time are not included; `status` shows them.",
    )
    add_config(verb)
    add_json(verb)


def _export(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "export",
        "print the bans for other tools",
        "Reads the configuration and the lists and needs no daemon. Exports the names of enforced bans with layer dns\n"
        "for resolvers and blockers, and the prefixes of enforced bans with layer ip for nft. Allowed and protected\n"
        "names stay reachable with their subdomains. What a format cannot express is reported on standard error and\n"
        "left open. The exit code is 1 if a list or subject that a ban names is missing: the output then bans less.",
    )
    verb.add_argument("format", choices=EXPORTS, metavar="FORMAT", help=", ".join(EXPORTS))
    verb.add_argument(
        "--group",
        metavar="G",
        default="",
        help="export the bans of this [[group]] (default: those that apply to everyone)",
    )
    add_config(verb)
