"""The arguments of `doctor`."""

from monitor.cli.parser.parts import Verbs, add_config, add_json, add_verb


def add_doctor(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "doctor",
        "check what gatewatch needs of this machine and its network",
        "A finding is a line that says what is wrong, and one with the command or the line of configuration that\n"
        "mends it. 1 where something is wrong, 3 where a privilege or a feature of the kernel is missing.",
    )
    verb.add_argument(
        "--enforcement",
        action="store_true",
        help="send what a banned device would send through every layer, without touching any real one, and say pass "
        "or fail",
    )
    add_config(verb)
    add_json(verb)
