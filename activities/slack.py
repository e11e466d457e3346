"""What is asked of Slack: send one part of an edition, look whether it is there, take one away, tell people."""

import json
from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.clients.call_count import counted
from activities.clients.slack import SlackClient
from devsync.contracts.activities import FIND_SLACK_PART, NOTIFY_SLACK, REMOVE_SLACK_PART, SEND_SLACK_PART
from devsync.contracts.delivery import FindPart, PartFound, PartSent, RemovePart, SendPart
from devsync.contracts.edition import Recorded
from devsync.contracts.notifications import Notified, Notify
from devsync.rendering.buttons import without_buttons
from devsync.rendering.notice import slack_notice
from devsync.rendering.stand_in import in_blocks
from devsync.storage.artifacts import ArtifactStore


class SlackActivities:
    """A send is tried once, by its contract: only the workflow that asks can find out whether it may be repeated."""

    def __init__(
        self, client: SlackClient, store: ArtifactStore, *, has_buttons: bool = False, dashboard: str = ""
    ) -> None:
        """`has_buttons`: what people press is heard; a button that does nothing is worse than none. `dashboard`: where
        people reach it; empty: messages do not lead there."""
        self._client = client
        self._store = store
        self._has_buttons = has_buttons
        self._dashboard = dashboard

    def all(self) -> list[Callable[..., Any]]:
        return [self.send_part, self.find_part, self.remove_part, self.notify]

    @activity.defn(name=SEND_SLACK_PART.name)
    async def send_part(self, message: SendPart) -> PartSent:
        """Posts the part, or updates the message that already stands there."""
        part = await self._part(message)
        text, blocks = part["text"], part["blocks"]
        if message.message_ts:
            channel_id, ts = await self._client.update(
                message.target, message.message_ts, text, blocks, key=message.key
            )
        else:
            channel_id, ts = await self._client.post(
                message.target, text, blocks, key=message.key, thread_ts=message.thread_ts
            )
        return PartSent(channel_id=channel_id, message_ts=ts)

    @activity.defn(name=FIND_SLACK_PART.name)
    async def find_part(self, message: FindPart) -> PartFound:
        """Looks in the channel's history, or in the thread, for the key in the message's metadata."""
        with counted() as count:
            channel_id, ts = await self._client.find(
                message.target, message.key, message.sent_after, thread_ts=message.thread_ts
            )
        return PartFound(channel_id=channel_id, message_ts=ts, api_calls=count.calls)

    @activity.defn(name=REMOVE_SLACK_PART.name)
    async def remove_part(self, message: RemovePart) -> Recorded:
        """Deletes a message of ours that the newer, shorter revision has no part for."""
        await self._client.delete(message.target, message.message_ts)
        return Recorded()

    @activity.defn(name=NOTIFY_SLACK.name)
    async def notify(self, message: Notify) -> Notified:
        """Posts the notice, into a thread where one is named, or updates the message that stands there already."""
        text, blocks = slack_notice(message.notice.with_dashboard(self._dashboard), has_buttons=self._has_buttons)
        target = message.channel_id or await self._client.address_of(message.target.target)
        if message.message_id:
            channel_id, ts = await self._client.update(target, message.message_id, text, blocks, key=message.key)
        else:
            channel_id, ts = await self._client.post(
                target, text, blocks, key=message.key, thread_ts=message.thread_id
            )  # fmt: skip
        return Notified(channel_id=channel_id, message_id=ts)

    async def _part(self, message: SendPart) -> dict[str, Any]:
        rendering = json.loads(await self._store.get(message.rendering))
        part: dict[str, Any] = rendering["messages"][message.index]
        blocks = part["blocks"] if self._has_buttons else without_buttons(part["blocks"])
        return part | {"blocks": in_blocks(blocks, message.stands_in_for)}
