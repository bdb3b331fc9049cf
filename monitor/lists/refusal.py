"""Why a file of the administrator's cannot be read."""

import os
import pwd


def refusal(error: OSError) -> str:
    """The system's reason, and who lacks a permission: the service is another user than whoever wrote the file."""
    reason = error.strerror or str(error)
    if not isinstance(error, PermissionError):
        return reason
    try:
        who = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        who = str(os.geteuid())
    return f"{reason} for user {who}"
