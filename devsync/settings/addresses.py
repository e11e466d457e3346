"""Addresses of other machines, in team files and in the environment: none may carry a user or a password.

Team files travel through workflow histories, logs and records, where no secret may be; and a token stands in either
part of `user:password@host`.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from devsync.settings.problems import any_of

_SSH_USER = "git"

GIT_SCHEMES = ("https", "http", "ssh", "git", "file")
"""What git may speak to a mirror; `ext::` and other helpers run programs."""


def web_address(url: str) -> str:
    """The address, if it is one of the web. Raises ValueError saying what is wrong with it."""
    return _checked(url, ("https", "http"))


def git_address(url: str) -> str:
    """The address, as git may be given it. Raises ValueError saying what is wrong with it."""
    checked = _checked(url, GIT_SCHEMES)
    if (urlsplit(url).hostname or "").startswith("-"):  # ssh would take it for an option
        raise ValueError("names a host that begins with a hyphen, which none does; correct it")
    return checked


def _checked(url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        names_a_place = bool(parts.hostname or parts.scheme == "file")
        _ = parts.port  # raises for one that is none
    except ValueError:
        parts, names_a_place = urlsplit(""), False
    if "@" in parts.netloc and not _is_login_by_key(parts.scheme, parts.netloc):
        raise ValueError("has a user or password in its address, where no secret may be; take it out")
    if parts.scheme not in schemes or not names_a_place:
        # Not quoted where it may hold a secret after all, as in `token@host` or behind an impossible port.
        shown = "is" if "@" in url else f'"{url}" is'
        raise ValueError(f"{shown} not an address; write it with {any_of([f'{scheme}://' for scheme in schemes])}")
    return url


def _is_login_by_key(scheme: str, netloc: str) -> bool:
    """`ssh://git@host`: every forge calls all its users so, and knows them by their keys."""
    return scheme == "ssh" and netloc.rpartition("@")[0] == _SSH_USER


WebAddress = Annotated[str, AfterValidator(web_address)]
"""http or https, and neither user nor password."""
GitAddress = Annotated[str, AfterValidator(git_address)]
"""What git clones from; of users only `ssh://git@…`."""
