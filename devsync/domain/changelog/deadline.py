"""How long the steps of an edition may take: everything that waits for others stops at one instant."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self


class Deadline(NamedTuple):
    """The instant at which an edition goes out whatever is missing.

    An edition that is late all the same (nobody worked for hours) still has `grace` for each step that stops here: a
    late edition beats an empty one.
    """

    at: datetime
    reserve: timedelta
    """Collecting stops so long before, so that posting has its time."""
    grace: timedelta

    @classmethod
    def of(cls, begin: datetime, deliver_by: timedelta, reserve: timedelta) -> Self:
        """From when the edition began, or was to begin if that is later."""
        return cls(begin + deliver_by, reserve, grace=min(reserve, deliver_by - reserve))

    def time_to_collect(self, now: datetime) -> timedelta:
        return max(self.at - self.reserve - now, self.grace)

    def time_to_deliver(self, now: datetime) -> timedelta:
        return max(self.at - now, self.grace)

    def may_collect_again(self, now: datetime) -> bool:
        """Whether asking once more delays nothing: there is time, or the deadline is lost anyway."""
        return now < self.at - self.reserve or now >= self.at

    def missed_by(self, now: datetime) -> timedelta | None:
        """None in time."""
        return now - self.at if now > self.at else None
