"""Slack's posting limit: about one message a second and channel, short bursts tolerated (field.md E1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class PostingRate:
    """A token bucket per channel. Set `per_second` and `burst` at any time; `monotonic` gives seconds."""

    monotonic: Callable[[], float]
    per_second: float = 1.0
    burst: int = 20
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By channel id: tokens left, and when they were counted."""

    def take(self, channel_id: str) -> int:
        """Takes one token: 0 when there was one, else the whole seconds to wait (Retry-After)."""
        now = self.monotonic()
        left, counted_at = self._buckets.get(channel_id, (float(self.burst), now))
        left = min(float(self.burst), left + (now - counted_at) * self.per_second)
        if left >= 1:
            self._buckets[channel_id] = (left - 1, now)
            return 0
        self._buckets[channel_id] = (left, now)
        return max(1, math.ceil((1 - left) / self.per_second))
