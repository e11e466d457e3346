"""What the numbers of an alert were counted of: whoever asks the records the same finds the same numbers."""

from devsync.domain.insight.span import Span
from devsync.domain.model import Model


class Counted(Model):
    over: Span
    """What ended within it was counted."""
    of: int
    """All of them; `count` of the alert are those that are wrong."""
    edition: str = ""
    """Of editions, the one that the summary names: `payments:2026-W47`."""
