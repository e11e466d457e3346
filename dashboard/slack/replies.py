"""Tells somebody in Slack what came of what they pressed: a line that nobody else sees.

It goes to the address that came with the press. Slack has signed it, and it leads to Slack alone all the same: a stolen
secret shall not make this process a way into its network.
"""

from __future__ import annotations

import logging
from typing import Final

import httpx

from devsync.rendering.escape import slack

HOOKS: Final = frozenset({("https", "hooks.slack.com", None), ("https", "hooks.slack-gov.com", None)})
TIMEOUT_SECONDS: Final = 5.0
_log = logging.getLogger("devsync.dashboard")

Origin = tuple[str, str, int | None]


class Replies:
    """Owns one HTTP client: call `close` when done."""

    def __init__(self, api_url: str) -> None:
        """`api_url`: where the Web API is; a stand-in answers at the same place."""
        self._allowed = HOOKS | {_origin(httpx.URL(api_url))}
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    def may_call(self, address: str) -> bool:
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError):
            return False
        return _origin(url) in self._allowed and not url.userinfo

    async def tell(self, address: str, text: str) -> None:
        """What cannot be told is told in the log: the press itself has been dealt with."""
        if not self.may_call(address):
            _log.warning("a press came with an address that is not Slack's; not told: %s", text)
            return
        message = {"response_type": "ephemeral", "replace_original": False, "text": slack(text)}
        try:
            answer = await self._http.post(address, json=message)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("slack took no reply (%s); not told: %s", type(error).__name__, text)


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port
