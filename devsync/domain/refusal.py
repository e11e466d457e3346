"""A rule refuses what was asked: nothing has changed. Who asked is told why, and of which kind it is."""

from typing import ClassVar, Final

REFUSED: Final = "Refused"
"""The kind, as the type of an error that travels: it makes no sense as things stand; somebody was faster."""
NOT_THERE: Final = "NotThere"
"""It names what is not there, or is over: resolved, answered, ended."""


class Refused(ValueError):
    """What was asked makes no sense now; the message says why."""

    kind: ClassVar[str] = REFUSED


class NotThere(Refused):
    """It names what is not there, or is over."""

    kind = NOT_THERE
