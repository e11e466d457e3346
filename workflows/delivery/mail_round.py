"""One try at the recipients of a mail: those that do not have the revision yet get it, in one SMTP transaction.

A mail server cannot be asked whether a mail arrived. So one whose outcome is unknown is sent again with the same
Message-ID: at least once, and a mail program that knows the id shows it once.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.delivery import (
    DeliveryRequest,
    DeliveryState,
    MailSent,
    PartRecord,
    PartSent,
    PartState,
    SendMail,
    StandingRevision,
)
from devsync.domain.errors import Failure
from devsync.runtime.policies import call
from workflows.delivery.work import DeliveryWork
from workflows.shared.failures import failure_of


async def settles_mail(work: DeliveryWork) -> bool:
    """True when no recipient is left to try: each has the revision, or was refused for good.

    Whom the server refuses for good is named; it is no reason to send the others anything again.
    """
    if missing := _missing(work):
        await _send(work, missing)
    if _missing(work):
        return False
    refused = [part for part in work.parts.all() if part.state is PartState.FAILED]
    notes = [f"{part.target} did not get it: {part.last_error}" for part in refused]
    if len(refused) == len(work.request.part_digests):
        work.enter(DeliveryState.FAILED, "; ".join(notes))
    else:
        work.enter_delivered(*notes)
    return True


def unreached(work: DeliveryWork) -> str:
    """Who does not have the revision, in one phrase."""
    missing = [work.parts.part(index).target for index in _missing(work)]
    return f"not reached: {', '.join(missing)}"


def _missing(work: DeliveryWork) -> list[int]:
    """Who is still to be tried."""
    return [
        index
        for index, digest in enumerate(work.request.part_digests)
        if not work.parts.is_there(index, digest) and work.parts.part(index).state is not PartState.FAILED
    ]


async def _send(work: DeliveryWork, missing: Sequence[int]) -> None:
    standing, before = work.parts.standing, [work.parts.part(index) for index in missing]
    for index in missing:
        work.parts.begin_to_send(index, work.request.part_digests[index], work.request.revision, workflow.now())
    work.tell("the mail server's answer")
    try:
        sent = await _ask_to_send(work, before)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failure = failure_of(error)
        if failure.retry_at is None:
            work.api_calls += 1
        for part in before:
            _note_failure(work, part, standing, failure)
    else:
        work.api_calls += 1
        for part in before:
            _note_answer(work, part, standing, sent)
    work.tell()


async def _ask_to_send(work: DeliveryWork, parts: Sequence[PartRecord]) -> MailSent:
    request = work.request
    return await call(
        activities.SEND_MAIL,
        SendMail(
            team=request.team,
            iso_week=request.iso_week,
            channel=request.channel.key,
            revision=request.revision,
            recipients=request.channel.recipients,
            to=tuple(part.target for part in parts),
            text=request.rendering,
            html=request.renderings.get("html"),
            dated=work.dated or workflow.now(),
            stands_in_for=request.stands_in_for,
        ),
        request.policies,
        summary=_summary(request, parts),
    )


def _summary(request: DeliveryRequest, parts: Sequence[PartRecord]) -> str:
    whom = parts[0].target if len(parts) == 1 else f"{len(parts)} recipients"
    return f"Send revision {request.revision} to {whom}"


def _note_answer(work: DeliveryWork, part: PartRecord, standing: StandingRevision | None, sent: MailSent) -> None:
    if failure := sent.refused.get(part.target):
        _note_failure(work, part, standing, failure)
    else:
        answer = PartSent(channel_id="", message_ts=sent.message_id)
        work.parts.was_sent(part.index, work.request.part_digests[part.index], work.request.revision, answer)


def _note_failure(work: DeliveryWork, part: PartRecord, standing: StandingRevision | None, failure: Failure) -> None:
    if work.send_failed(part, standing, failure):
        work.parts.refuse(part.index)
