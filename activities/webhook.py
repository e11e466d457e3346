"""What a Delivery, and a notice, ask of other programs: take this event."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pydantic_core import to_json
from temporalio import activity

from activities.clients.webhook import WebhookClient, secrets_of
from devsync.contracts.activities import NOTIFY_WEBHOOK, SEND_WEBHOOK
from devsync.contracts.delivery import SendWebhook, WebhookSent
from devsync.contracts.notifications import Notified, Notify
from devsync.storage.artifacts import ArtifactStore

PUBLISHED = "changelog.published"
NOTICE = "changelog.notice"


class WebhookActivities:
    """An event is sent once a try; the workflow repeats it with the same id, by which the receiver knows it."""

    def __init__(self, client: WebhookClient, store: ArtifactStore, *, dashboard: str = "") -> None:
        """`dashboard`: where people reach it; empty: notices do not lead there."""
        self._client = client
        self._store = store
        self._dashboard = dashboard

    def all(self) -> list[Callable[..., Any]]:
        return [self.send_edition, self.notify]

    @activity.defn(name=SEND_WEBHOOK.name)
    async def send_edition(self, message: SendWebhook) -> WebhookSent:
        """Sends `changelog.published`, with the edition, or its summary where it is too large."""
        secrets = secrets_of(message.secret_env)
        data = json.loads(await self._store.get(message.rendering))
        if message.stands_in_for:
            data["stands_in_for"] = message.stands_in_for
        # Standard Webhooks: an id holds no full stop, which parts it from the time and the body.
        message_id = f"changelog_{message.team}_{message.iso_week}_{message.channel}_r{message.revision}"
        await self._client.send(
            message.url,
            _event(PUBLISHED, message.dated, data),
            message_id=message_id,
            at=datetime.now(UTC),
            secrets=secrets,
        )
        return WebhookSent(message_id=message_id)

    @activity.defn(name=NOTIFY_WEBHOOK.name)
    async def notify(self, message: Notify) -> Notified:
        """Sends `changelog.notice`; a later revision of it is an event of its own with the same `key`."""
        secrets = secrets_of(message.target.secret_env)
        notice = message.notice.with_dashboard(self._dashboard)
        told = notice.model_dump(mode="json", exclude={"offers"})  # a program presses no buttons
        data = {"key": message.key, "revision": message.revision, **told}
        message_id = f"notice_{sha256(message.key.encode()).hexdigest()[:32]}_r{message.revision}"
        await self._client.send(
            message.target.target,
            # The time of the first attempt: each one sends the same event.
            _event(NOTICE, activity.info().scheduled_time, data),
            message_id=message_id,
            at=datetime.now(UTC),
            secrets=secrets,
        )
        return Notified(message_id=message_id)


def _event(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    return to_json({"type": kind, "timestamp": at.isoformat(), "data": data}, ensure_ascii=True)
