"""What callers give, looked at where they give it: a mistake is told there, and not minutes later by another thread."""

from collections.abc import Callable
from typing import Any, Final

from devsync.storage.prose import storable

LONGEST: Final = 200
"""Characters of a name. It stands in ids, rows and messages."""


def word(value: object) -> str:
    """One line of text that can be written anywhere: without NUL, and without half characters."""
    return storable(" ".join(str(value).split())[:LONGEST]) if value is not None else ""


def name_of(what: str, value: object) -> str:
    """The name, on one line. Raises TypeError for what is no text, and ValueError for none and for too much of it."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text, not {value!r:.100}")
    name = word(value)
    if not name:
        raise ValueError(f"{what} is empty; write a name")
    if len(value) > LONGEST:
        raise ValueError(f"{what} has {len(value)} characters; write {LONGEST} at most")
    return name


def expect(what: str, value: object, kind: type, called: str = "") -> None:
    """Raises TypeError for anything else than one of the kind, which the API may call otherwise than the product."""
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be of type {called or kind.__name__}, not {value!r:.100}")


def expect_or_none(what: str, value: object, kind: type, called: str = "") -> None:
    if value is not None:
        expect(what, value, kind, called)


def expect_callable(what: str, value: Callable[..., Any] | None) -> None:
    """Raises TypeError for what cannot be called."""
    if not callable(value):
        raise TypeError(f"{what} must be a function, not {value!r:.100}")
