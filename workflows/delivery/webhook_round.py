"""One try at a webhook: the revision is sent to the address, with the same id at each try.

The id is the receiver's means to tell a repetition: one whose outcome is unknown is simply sent again. A receiver that
answers 410 wants nothing more at that address, of any week, as Standard Webhooks has it.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.delivery import (
    DeliveryState,
    PartSent,
    SendWebhook,
    WebhookSent,
)
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.instants import in_utc
from devsync.runtime.policies import call
from workflows.delivery.work import DeliveryWork
from workflows.shared.failures import failure_of

SWITCHED_OFF = "410"


async def settles_webhook(work: DeliveryWork) -> bool:
    """True when it was taken, or refused for good."""
    (digest,) = work.request.part_digests
    if not work.parts.is_there(0, digest):
        if work.switched_off_at is not None and not work.request.is_replay:
            _refuse(work, _switched_off(work.switched_off_at))
            return True
        await _send(work, digest)
    if work.parts.is_there(0, digest):
        work.parts.settle(0, work.request.revision)
        work.enter_delivered()
    return work.state is not DeliveryState.PENDING


async def _send(work: DeliveryWork, digest: str) -> None:
    before, standing = work.parts.part(0), work.parts.standing
    work.parts.begin_to_send(0, digest, work.request.revision, workflow.now())
    work.tell("the receiver's answer")
    try:
        sent = await _ask_to_send(work)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = failure_of(error)
        if failure.retry_at is None:
            work.api_calls += 1
        if failure.code == SWITCHED_OFF:
            work.switched_off_at = workflow.now()
        if work.send_failed(before, standing, failure):
            _refuse(work, failure)
    else:
        work.api_calls += 1
        work.switched_off_at = None
        answer = PartSent(channel_id="", message_ts=sent.message_id)
        work.parts.was_sent(0, digest, work.request.revision, answer)
    work.tell()


async def _ask_to_send(work: DeliveryWork) -> WebhookSent:
    request = work.request
    return await call(
        activities.SEND_WEBHOOK,
        SendWebhook(
            team=request.team,
            iso_week=request.iso_week,
            channel=request.channel.key,
            url=request.channel.target,
            secret_env=request.channel.secret_env,
            revision=request.revision,
            rendering=request.rendering,
            dated=work.dated or workflow.now(),
            stands_in_for=request.stands_in_for,
        ),
        request.policies,
        summary=f"Send revision {request.revision} to the webhook",
    )


def _refuse(work: DeliveryWork, failure: Failure) -> None:
    work.set_back(failure)
    work.parts.note(0, failure.message)
    work.parts.refuse(0)
    work.enter(DeliveryState.FAILED, failure.message)


def _switched_off(since: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.CONFIGURATION,
        severity=ErrorSeverity.HIGH,
        message=f"nothing is sent: the receiver has switched this address off (410) at {in_utc(since)}; take"
        " it out of the team file, or replay the delivery when it is back",
        is_retryable=False,
        code=SWITCHED_OFF,
    )
