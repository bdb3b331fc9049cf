"""Describes why a file of the administrator cannot be read."""

import os
import pwd


def refusal(error: OSError) -> str:
    """Returns the system's reason, with the user if permission is missing: the service runs as a user of its own."""
    reason = error.strerror or str(error)
    if not isinstance(error, PermissionError):
        return reason
    try:
        who = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        who = str(os.geteuid())
    return f"{reason} for user {who}"
