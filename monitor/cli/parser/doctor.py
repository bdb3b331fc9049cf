"""The arguments of `doctor`."""

from monitor.cli.parser.parts import Verbs, add_config, add_json, add_verb


def add_doctor(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "doctor",
        "check whether this machine and its network meet the requirements of gatewatch",
        "Prints two lines per finding: what is wrong, and the command or the line of configuration that fixes it.\n"
        "The exit code is 1 if something is wrong, 3 if a privilege or a kernel feature is missing.",
    )
    verb.add_argument(
        "--enforcement",
        action="store_true",
        help="send test traffic of a banned device through every layer, without affecting real devices, and report "
        "pass or fail",
    )
    add_config(verb)
    add_json(verb)
