"""When an amendment asks again for what is missing: ever more seldom, but as soon as it may when a person wants it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from devsync.domain.delivery_waits import LONGEST_ROW, SHORTEST_HINT
from devsync.domain.errors import Failure

MOST_DOUBLINGS = 16
"""Of any first wait they go beyond the longest one."""


class AmendmentWaits:
    """The waits before its rounds.

    A round that a person asks for, or an escalation whose cause has healed, may meet an open circuit breaker, which
    refuses the calls until an instant. Nothing has been asked then, so the round is made again at that instant: ten
    times at most, like a delivery's. Where an operator holds it open there is no instant; its release is told. Nobody
    else hurries: a service that is down for days is asked by the schedule.
    """

    def __init__(self) -> None:
        self._owed = 0

    def somebody_asks(self) -> None:
        """A round is owed."""
        self._owed = LONGEST_ROW

    def next(
        self, tries: int, first: timedelta, longest: timedelta, failures: Iterable[Failure], now: datetime
    ) -> timedelta:
        """The first wait, doubled with each of the `tries` so far. `failures`: why what is missing is."""
        refused_until = [one.retry_at for one in failures if one.retry_at is not None and not one.is_open_ended]
        if self._owed and refused_until:
            self._owed -= 1
            return max(min(refused_until) - now, SHORTEST_HINT)
        self._owed = 0
        times: int = 2 ** min(tries, MOST_DOUBLINGS)
        return min(first * times, longest)
