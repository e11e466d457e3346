"""GitHub's primary rate limits: so many requests (REST) or points (GraphQL) an hour for each caller."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime, timedelta

from sandbox.service import Clock

_WINDOW = timedelta(hours=1)


class HourlyLimit:
    """The limit of one caller and resource: a fixed window that begins with the first request."""

    def __init__(self, resource: str, limit: int, clock: Clock) -> None:
        self.resource = resource
        self.limit = limit
        self._clock = clock
        self._used = 0
        self._resets_at: datetime | None = None

    @property
    def used(self) -> int:
        self._roll()
        return self._used

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def reset(self) -> int:
        """Epoch seconds; an hour from now while nothing was used."""
        self._roll()
        return int((self._resets_at or self._clock() + _WINDOW).timestamp())

    def count(self, points: int = 1) -> None:
        self._roll()
        if self._resets_at is None:
            self._resets_at = self._clock() + _WINDOW
        self._used += points

    def as_json(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": self.reset}

    def write_headers(self, headers: MutableMapping[str, str]) -> None:
        headers["X-RateLimit-Limit"] = str(self.limit)
        headers["X-RateLimit-Remaining"] = str(self.remaining)
        headers["X-RateLimit-Reset"] = str(self.reset)
        headers["X-RateLimit-Used"] = str(self.used)
        headers["X-RateLimit-Resource"] = self.resource

    def _roll(self) -> None:
        if self._resets_at is not None and self._clock() >= self._resets_at:
            self._used, self._resets_at = 0, None


class Limits:
    """All limits of a world; `hourly` stands for each of them."""

    def __init__(self, hourly: int, clock: Clock) -> None:
        self._hourly = hourly
        self._clock = clock
        self._limits: dict[tuple[str, str], HourlyLimit] = {}

    def of(self, caller: str, resource: str) -> HourlyLimit:
        key = (caller, resource)
        if key not in self._limits:
            self._limits[key] = HourlyLimit(resource, self._hourly, self._clock)
        return self._limits[key]
