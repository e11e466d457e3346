"""Whoever runs the command: decisions, cancellations and runs by hand are recorded with the name."""

import os
from getpass import getuser


def me() -> str:
    """The login name, or `uid 4242` where there is none, as in a container that runs as an arbitrary user."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
