"""The Slack Web API calls of a delivery, through slack-sdk with its retry handlers off.

Each call passes the breaker's gate once, with the reading of its answer inside.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from activities.clients.call_count import call_tracing
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.classification import MalformedAnswer
from devsync.settings.problems import ConfigError

EVENT_TYPE = "devsync_changelog"
"""`metadata.event_type` of every message of ours: with the key in its payload, a message can be found again."""

_CLOCK_SKEW = timedelta(minutes=2)
_HISTORY_PAGE = 200
_HISTORY_PAGES = 10


class SlackClient:
    """Owns one HTTP session: call `close` when done. Create it inside the event loop.

    Methods raise what slack-sdk and aiohttp raise, MalformedAnswer, and CircuitOpen or ServicePaused where the gate
    lets no call through.
    """

    def __init__(
        self, *, base_url: str, token: str, concurrency: int, read_timeout: timedelta, gate: CallGate = UNGATED
    ) -> None:
        seconds = read_timeout.total_seconds()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=seconds), trace_configs=[call_tracing()]
        )
        # aiohttp asks again by itself where a kept connection breaks; its own test client stops it in this way, too.
        self._session._retry_connection = False
        self._client = AsyncWebClient(
            token=token,
            base_url=base_url if base_url.endswith("/") else f"{base_url}/",
            timeout=max(1, int(seconds)),
            session=self._session,
            retry_handlers=[],
        )
        self._free = asyncio.Semaphore(concurrency)
        self._gate = gate

    async def close(self) -> None:
        await self._session.close()

    async def post(
        self, channel: str, text: str, blocks: Sequence[dict[str, Any]], *, key: str, thread_ts: str = ""
    ) -> tuple[str, str]:
        """(channel id, ts) of the new message. A time-out leaves open whether it was posted."""
        async with self._call("chat.postMessage"):
            answer = await self._client.chat_postMessage(
                channel=channel,
                text=text,
                blocks=list(blocks),
                thread_ts=thread_ts or None,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
            )
            return _place(answer.data, "chat.postMessage")

    async def update(
        self, channel_id: str, ts: str, text: str, blocks: Sequence[dict[str, Any]], *, key: str
    ) -> tuple[str, str]:
        async with self._call("chat.update"):
            answer = await self._client.chat_update(
                channel=channel_id,
                ts=ts,
                text=text,
                blocks=list(blocks),
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            )
            return _place(answer.data, "chat.update")

    async def delete(self, channel_id: str, ts: str) -> None:
        """Deletes a message of ours; one that is gone already is fine."""
        try:
            async with self._call("chat.delete"):
                await self._client.chat_delete(channel=channel_id, ts=ts)
        except SlackApiError as error:
            if error.response.get("error") != "message_not_found":
                raise

    async def find(self, channel: str, key: str, sent_after: datetime, *, thread_ts: str = "") -> tuple[str, str]:
        """(channel id, ts) of the message that carries our key, ("", "") when the channel has none.

        Asks the history for channel messages and the replies for thread parts, from a little before the send on,
        since Slack's clock is not ours.
        """
        channel_id = await self._channel_id(channel)
        oldest = f"{(sent_after - _CLOCK_SKEW).timestamp():.6f}"
        cursor: str | None = None
        for _ in range(_HISTORY_PAGES):
            found, cursor = await self._look(channel_id, key, oldest, thread_ts, cursor)
            if found or not cursor:
                return channel_id, found
        raise MalformedAnswer("slack", "conversations.history", "more messages than can be searched")

    async def address_of(self, target: str) -> str:
        """What a message to the target is posted to: a person's id for `@anna`, everything else as it is."""
        if not target.startswith("@"):
            return target
        async for person in self._people():
            profile = person.get("profile") or {}
            if target[1:] in {person.get("name"), profile.get("display_name")} and not person.get("deleted"):
                return str(person["id"])
        raise ConfigError([f"slack has no person {target}; write the name as their profile shows it, or their id"])

    async def _people(self) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            async with self._call("users.list"):
                answer = await self._client.users_list(limit=_HISTORY_PAGE, cursor=cursor)
                people, cursor = _listed(answer.data, "members", "users.list")
            for person in people:
                yield person
            if not cursor:
                return

    async def _look(
        self, channel_id: str, key: str, oldest: str, thread_ts: str, cursor: str | None
    ) -> tuple[str, str | None]:
        """One page: the ts of the message with our key, empty where it is not there, and the next page's cursor."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        async with self._call(method):
            if thread_ts:
                answer = await self._client.conversations_replies(
                    channel=channel_id, ts=thread_ts, oldest=oldest, limit=_HISTORY_PAGE,
                    include_all_metadata=True, cursor=cursor,
                )  # fmt: skip
            else:
                answer = await self._client.conversations_history(
                    channel=channel_id, oldest=oldest, limit=_HISTORY_PAGE,
                    include_all_metadata=True, cursor=cursor,
                )  # fmt: skip
            messages, next_cursor = _listed(answer.data, "messages", method)
            for message in messages:
                metadata = message.get("metadata") or {}
                if (metadata.get("event_payload") or {}).get("key") == key:
                    return str(message["ts"]), None
            return "", next_cursor

    async def _channel_id(self, channel: str) -> str:
        """History wants an id where posting takes a name. Ids pass through.

        Public channels are asked for first: a list with private ones in it needs the scope groups:read as well,
        which an app that posts to public channels has no use for.
        """
        if not channel.startswith("#"):
            return channel
        for kind in ("public_channel", "private_channel"):
            async for found in self._channels(kind):
                if found.get("name") == channel.removeprefix("#"):
                    return str(found["id"])
        raise ConfigError(
            [f"slack has no channel {channel} that the app can see; invite the app, or correct the team file"]
        )

    async def _channels(self, kind: str) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            async with self._call("conversations.list"):
                answer = await self._client.conversations_list(
                    limit=1000, types=kind, exclude_archived=False, cursor=cursor
                )
                channels, cursor = _listed(answer.data, "channels", "conversations.list")
            for channel in channels:
                yield channel
            if not cursor:
                return

    @asynccontextmanager
    async def _call(self, method: str) -> AsyncIterator[None]:
        """One call's turn: the gate is asked when a call is free, since waiting for one may take long."""
        async with self._free, self._gate.call(method):
            yield


def _body(data: object, call: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise MalformedAnswer("slack", call, "no JSON object")
    return data


def _listed(data: object, name: str, call: str) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list, and the cursor of the next one."""
    body = _body(data, call)
    entries = body.get(name) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MalformedAnswer("slack", call, f"no list of {name}")
    return entries, (body.get("response_metadata") or {}).get("next_cursor") or None


def _place(data: object, call: str) -> tuple[str, str]:
    body = _body(data, call)
    channel, ts = body.get("channel"), body.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        raise MalformedAnswer("slack", call, "no channel and ts")
    return channel, ts
