"""Questions that block their caller for a second at most: answered by the records, or by what they said last."""

import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import UTC, datetime
from typing import Any

from devsync.api.core import BLOCKS_FOR, Core
from devsync.api.unavailable import NotInTime
from devsync.runtime.connection import TemporalUnreachable
from devsync.storage.connection import DatabaseUnavailable

Answer = dict[str, Any]
Question = Callable[[], Coroutine[Any, Any, Answer]]

_AWAY = (DatabaseUnavailable, TemporalUnreachable, NotInTime)
_REMEMBERED = 100
"""Questions; the oldest answers are forgotten."""
_log = logging.getLogger("devsync.api")


class Snapshots:
    """Answers by question. Each tells `as_of` and, in seconds, its `age_seconds`: 0 for one of this moment."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._last: dict[str, tuple[datetime, Answer]] = {}

    def ask(self, key: str, question: Question) -> Answer:
        """Within BLOCKS_FOR. Raises DatabaseUnavailable, or what else is away, where nothing was ever answered; what
        comes later than that is the next one's snapshot."""
        asked = self._core.start(question())
        asked.add_done_callback(lambda done: self._keep(key, done))
        try:
            answer = asked.result(BLOCKS_FOR)
        except FutureTimeout:
            return self._of_before(key, NotInTime(f"the records did not answer within {BLOCKS_FOR:g} s"))
        except _AWAY as error:
            return self._of_before(key, error)
        now = datetime.now(UTC)
        return _told(now, answer, now)

    def _of_before(self, key: str, error: Exception) -> Answer:
        with self._lock:
            last = self._last.get(key)
        if last is None:
            raise error
        return _told(*last, datetime.now(UTC))

    def _keep(self, key: str, done: Future[Answer]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            _log.debug("%s: %s", key, error)
            return
        with self._lock:
            self._last.pop(key, None)
            self._last[key] = datetime.now(UTC), done.result()
            while len(self._last) > _REMEMBERED:
                del self._last[next(iter(self._last))]


def _told(as_of: datetime, answer: Answer, now: datetime) -> Answer:
    age = (now - as_of).total_seconds()
    return {**answer, "as_of": as_of, "age_seconds": round(max(age, 0.0), 3)}
