"""The addresses of the teams' feeds: a feed reader cannot sign in, so the address itself is the key."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final
from urllib.parse import quote

_SALT: Final = b"devsync.dashboard.feed\0"


class FeedAddresses:
    """`secret`: the dashboard's, so that nothing is stored and another secret shuts every address. Empty: an address
    would not outlive this process, so none has a key, and only who is signed in reads a feed."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()

    def path(self, team: str) -> str:
        """With the key where there is one: only for those who may see the team."""
        key = f"?key={self._key(team)}" if self._secret else ""
        return f"/feeds/{quote(team)}.atom{key}"

    def opens(self, team: str, key: str) -> bool:
        return bool(self._secret) and hmac.compare_digest(key.encode(), self._key(team).encode())

    def _key(self, team: str) -> str:
        digest = hmac.digest(self._secret, _SALT + team.encode(), "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
