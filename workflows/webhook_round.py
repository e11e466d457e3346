"""One try at a webhook: the revision is sent to the address, with the same id at each try.

The id is the receiver's means to tell a repetition: one whose outcome is unknown is simply sent again.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities
    from devsync.contracts.delivery import (
        DeliveryState,
        PartRecord,
        PartSent,
        SendWebhook,
        StandingRevision,
        WebhookSent,
    )
    from devsync.domain.errors import Failure
    from devsync.runtime.policies import call
    from workflows.delivery_work import DeliveryWork, may_help_later
    from workflows.failures import failure_of


async def settles_webhook(work: DeliveryWork) -> bool:
    """True when it was taken, or refused for good."""
    (digest,) = work.request.part_digests
    if not work.parts.is_there(0, digest):
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
        work.api_calls += 1
        _note_failure(work, before, standing, failure_of(error))
    else:
        work.api_calls += 1
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


def _note_failure(work: DeliveryWork, before: PartRecord, standing: StandingRevision | None, failure: Failure) -> None:
    work.set_back(failure)
    if failure.may_have_taken_effect:
        work.parts.may_have_been_sent(0, failure)
        return
    work.parts.was_not_sent(before, standing, failure)
    if not may_help_later(failure):
        work.parts.refuse(0)
        work.enter(DeliveryState.FAILED, failure.message)
