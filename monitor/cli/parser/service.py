"""The arguments of the verbs that the service itself calls."""

from monitor.cli.parser.parts import Verbs, add_verb


def add_service_verbs(verbs: Verbs) -> None:
    for add in (_reload, _clear):
        add(verbs)


def _reload(verbs: Verbs) -> None:
    add_verb(
        verbs,
        "reload",
        "have the running daemon read configuration and lists again",
        "As a whole or not at all: what is wrong with them is printed, and the daemon goes on as it was. SIGHUP does\n"
        "the same without telling.",
    )


def _clear(verbs: Verbs) -> None:
    add_verb(
        verbs,
        "clear",
        "remove what a daemon that died left in the kernel",
        "Bans that fail open end at once, and so does the diversion; of those that fail closed the addresses stay\n"
        "banned until a daemon starts. The service runs this after every stop; it refuses while a daemon enforces.",
    )
