"""The arguments of the verbs that the systemd service calls."""

from monitor.cli.parser.parts import Verbs, add_verb


def add_service_verbs(verbs: Verbs) -> None:
    for add in (_reload, _clear):
        add(verbs)


def _reload(verbs: Verbs) -> None:
    add_verb(
        verbs,
        "reload",
        "make the running daemon reload configuration and lists",
        "All or nothing: mistakes are printed, and the daemon continues with its current configuration. SIGHUP does\n"
        "the same without printing them.",
    )


def _clear(verbs: Verbs) -> None:
    add_verb(
        verbs,
        "clear",
        "remove what a crashed daemon left in the kernel",
        "Bans that fail open end at once, as does the diversion. Bans that fail closed keep their addresses banned\n"
        "until a daemon starts. The service runs this command after every stop; it refuses while a daemon enforces.",
    )
