"""How long the steps of an edition may take: everything that waits for others stops at one instant."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self


class Deadline(NamedTuple):
    """The instant at which an edition goes out whatever is missing, and when each phase stops before it.

    A phase that begins when its time is over already has half of what is left, so that none is cut to nothing and none
    takes the next one's time: the sum never passes the end.
    """

    at: datetime
    """What was promised."""
    ends_at: datetime
    """The same, unless that was lost."""
    deliver_by: timedelta
    reserve: timedelta
    """Collecting and recovering stop so long before the end; half of it is for renderings, the rest for posting."""

    @classmethod
    def of(cls, begin: datetime, deliver_by: timedelta, reserve: timedelta) -> Self:
        """From when the edition began, or was to begin if that is later."""
        return cls(begin + deliver_by, begin + deliver_by, deliver_by, reserve)

    def or_late(self, now: datetime) -> Self:
        """This one while it can be kept; lost, a short one from now on: a late edition beats an empty one.

        What waits for others never loses it. Nobody has worked for hours, or the database was away.
        """
        if now < self.ends_at:
            return self
        late = self.of(now, min(self.deliver_by, 2 * self.reserve), self.reserve)
        return late._replace(at=self.at, deliver_by=self.deliver_by)

    def time_to_collect(self, now: datetime) -> timedelta:
        """What does not answer at all leaves its recovery as much time as posting has."""
        for_recovery = min(self.reserve, (self.deliver_by - self.reserve) / 2)
        return self._time_until(self.reserve + for_recovery, now)

    def time_to_recover(self, now: datetime) -> timedelta:
        return self._time_until(self.reserve, now)

    def time_to_ask_reviewers(self, now: datetime) -> timedelta:
        """None once the time is over: whoever cannot look at it need not be waited for."""
        return max(self.ends_at - self.reserve - now, timedelta(0))

    def time_to_render(self, now: datetime) -> timedelta:
        return self._time_until(self.reserve / 2, now)

    def time_to_deliver(self, now: datetime) -> timedelta:
        return max(self.ends_at - now, timedelta(0))

    def may_collect_again(self, now: datetime) -> bool:
        """Whether asking once more delays nothing: there is time, or the deadline is lost anyway."""
        return now < self.ends_at - self.reserve or now >= self.ends_at

    def missed_by(self, now: datetime) -> timedelta | None:
        """How late it is; None: it is in time."""
        return now - self.at if now > self.at else None

    def _time_until(self, before: timedelta, now: datetime) -> timedelta:
        left = self.time_to_deliver(now)
        return max(left - before, left / 2)
