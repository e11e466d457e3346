"""Whoever runs the command: decisions, cancellations and runs by hand are recorded with the name."""

import os
from getpass import getuser

from commands.console import Exit, Told


def me() -> str:
    """The login name, or `uid 4242` where there is none, as in a container that runs as an arbitrary user."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def given(reason: str) -> str:
    """A reason that is recorded, without blanks around it. Raises Told where there is none."""
    if not reason.strip():
        raise Told("--reason is empty; say in a few words why", Exit.USAGE)
    return reason.strip()
