"""A mail server and a webhook's receiver that do what each test says, and a Delivery that writes to them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.delivery import (
    ChannelPlan,
    DeliveryOutcome,
    DeliveryRequest,
    DeliverySchedule,
    MailSent,
    SendMail,
    SendWebhook,
    WebhookSent,
)
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.delivery import read_delivery
from tests.workflows import slack_channel
from tests.workflows.slack_channel import Channel, start

ANNA, BEN, CARL = "anna@acme.dev", "ben@acme.dev", "carl@acme.dev"
LATER = Failure(
    category=ErrorCategory.DISTRIBUTION, message="the server takes this mail later (451)", is_retryable=True
)
NOBODY = Failure(category=ErrorCategory.DISTRIBUTION, message="no such recipient (550)", is_retryable=False)
SHIPPED = read_delivery(Path(__file__).parents[2] / "config" / "delivery.yaml").model


@dataclass
class Answers:
    """`Channel` keeps the records. Each answer is for one try; after the last one all goes well."""

    mails: Sequence[dict[str, Failure] | Failure] = ()
    """Who is refused, or a failure of the whole."""
    events: Sequence[Failure] = ()
    sent_mails: list[SendMail] = field(default_factory=list)
    sent_events: list[SendWebhook] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    was_mailed: asyncio.Event = field(default_factory=asyncio.Event)
    channel: Channel = field(default_factory=Channel)

    @activity.defn(name=contracts.SEND_MAIL.name)
    async def send_mail(self, message: SendMail) -> MailSent:
        number = len(self.sent_mails)
        answer = self.mails[number] if number < len(self.mails) else {}
        self.sent_mails.append(message)
        self.was_mailed.set()
        self.times.append(activity.info().scheduled_time)
        if isinstance(answer, Failure):
            raise to_application_error(answer, None)
        return MailSent(message_id=f"<r{message.revision}@acme.dev>", refused=answer)

    @activity.defn(name=contracts.SEND_WEBHOOK.name)
    async def send_webhook(self, message: SendWebhook) -> WebhookSent:
        number = len(self.sent_events)
        self.sent_events.append(message)
        self.times.append(activity.info().scheduled_time)
        if number < len(self.events):
            raise to_application_error(self.events[number], None)
        return WebhookSent(message_id=f"changelog_r{message.revision}")

    @property
    def waits(self) -> list[timedelta]:
        """From each try to the next."""
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]


def mail(*recipients: str, revision: int = 1, **changes: object) -> DeliveryRequest:
    channel = ChannelPlan(key="email-1", kind="email", target=", ".join(recipients), recipients=recipients)
    parts = (f"text {revision}",) * len(recipients)
    return slack_channel.request(revision, parts, channel=channel, schedule=_schedule("email"), **changes)


def webhook(revision: int = 1, **changes: object) -> DeliveryRequest:
    channel = ChannelPlan(key="webhook-2", kind="webhook", target="https://hooks.acme.dev/", secret_env="HOOK")
    return slack_channel.request(revision, ("data",), channel=channel, schedule=_schedule("webhook"), **changes)


def _schedule(kind: str) -> DeliverySchedule:
    """The shipped one."""
    return DeliverySchedule(retry_after=SHIPPED.channel(kind).retry_schedule, uncertain_wait=timedelta(seconds=20))


@asynccontextmanager
async def serving(environment: WorkflowEnvironment, answers: Answers) -> AsyncIterator[str]:
    """Yields the workflow task queue."""
    client = environment.client
    async with (
        slack_channel.serving(environment, answers.channel) as queue,
        Worker(client, task_queue=names.service_queue(names.EMAIL), activities=[answers.send_mail]),
        Worker(client, task_queue=names.service_queue(names.WEBHOOK), activities=[answers.send_webhook]),
    ):
        yield queue


async def deliver(environment: WorkflowEnvironment, answers: Answers, message: DeliveryRequest) -> DeliveryOutcome:
    async with serving(environment, answers) as queue:
        return await (await start(environment, queue, message)).result()
