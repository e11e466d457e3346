"""How often somebody may try to sign in."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import timedelta
from typing import Final

AT_MOST: Final = 10
WITHIN: Final = timedelta(minutes=5)
_ADDRESSES: Final = 10_000


class Attempts:
    """Failed ones by address of the client, in a sliding window. Of this process: a restart forgets them."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, address: str, now: float) -> float:
        """Until the next attempt is let through; 0: now. `now` is a monotonic clock's."""
        failed = self._failed.get(address)
        if failed is None:
            return 0
        while failed and failed[0] <= now - WITHIN.total_seconds():
            failed.popleft()
        return failed[0] + WITHIN.total_seconds() - now if len(failed) >= AT_MOST else 0

    def failed(self, address: str, now: float) -> None:
        self._failed.setdefault(address, deque(maxlen=AT_MOST)).append(now)
        self._failed.move_to_end(address)
        while len(self._failed) > _ADDRESSES:  # an attacker with a network of addresses must not fill the memory
            self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        self._failed.pop(address, None)
