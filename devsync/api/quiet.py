"""Says a thing once in a while, however often it happens."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

_REMEMBERED = 1_000


class Quiet:
    """Of at most _REMEMBERED things; then the one that was said longest ago may be said again."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._said: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def count(self, what: str, now: datetime) -> int:
        """How often it has happened since it was last to be said, this time included; 0: it is not to be said now."""
        with self._lock:
            said_at, kept_back = self._said.get(what, (None, 0))
            if said_at is not None and now - said_at < self._interval:
                self._said[what] = said_at, kept_back + 1
                return 0
            self._said[what] = now, 0
            self._said.move_to_end(what)
            while len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
            return kept_back + 1
