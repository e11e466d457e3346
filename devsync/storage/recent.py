"""What this process has just put away: read back without the database, and while it is away.

An edition's steps mostly run in one worker, one after the other, each reading what the one before has stored. So
an edition whose pieces are stored goes out even when the database stops in between; other workers wait for it.
"""

from collections import OrderedDict

DEFAULT_LIMIT_BYTES = 32 * 1024 * 1024
"""Compressed: several large editions."""


class RecentContents:
    """Compressed contents by digest; the least recently used go first when the limit is reached."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._contents: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, digest: str, compressed: bytes) -> None:
        if digest in self._contents:
            self._contents.move_to_end(digest)
            return
        self._contents[digest] = compressed
        self._held += len(compressed)
        while self._held > self._limit:
            _, dropped = self._contents.popitem(last=False)
            self._held -= len(dropped)

    def get(self, digest: str | None) -> bytes | None:
        """The compressed content, None when this process does not hold it."""
        if digest is None or digest not in self._contents:
            return None
        self._contents.move_to_end(digest)
        return self._contents[digest]
