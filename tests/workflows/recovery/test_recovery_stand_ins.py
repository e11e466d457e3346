"""A channel that is down: others stand in for it, within their time, and one alone."""

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.recovery import FailedUnit
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from tests.workflows.recovery_channels import (
    BACKUP,
    BACKUPS,
    CHANNELS,
    DOWN,
    MAIL,
    MAILS,
    OTHER,
    UNIT,
    delivery,
    recovered,
    states,
)
from tests.workflows.recovery_stage import EXPIRED, MINUTE, shipped


async def test_an_alternative_channel_stands_in(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {BACKUP: [False], OTHER: [True]}, UNIT, **BACKUPS)
    assert states(report) == [("retry", StepState.FAILED), ("alternative", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.STAND_IN
    assert CHANNELS.dropped == [BACKUP]  # it must not come later, beside the other


async def test_mail_stands_in_for_the_channel(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {MAIL: [True]}, UNIT, **MAILS)
    assert states(report)[-2:] == [("alternative", StepState.SKIPPED), ("email", StepState.RESOLVED)]
    assert report.steps[1].message == "the team has no alternative channel"
    assert report.healed_without_data == (UNIT,)


async def test_slack_stands_in_for_mail(own_time: WorkflowEnvironment) -> None:
    report = await recovered(
        own_time,
        {BACKUP: [True]},
        MAIL,
        service=names.EMAIL,
        plan=shipped(names.EMAIL, "deliver", DOWN),
        units=(FailedUnit(unit=MAIL, service=names.EMAIL, failure=DOWN),),
        deliveries=(delivery(MAIL, "payments@acme.dev"),),
        alternatives={MAIL: (delivery(BACKUP, "#backup"),)},
    )
    assert states(report) == [("retry", StepState.FAILED), ("alternative", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.STAND_IN


async def test_the_edition_hears_of_the_channel_that_stands_in_as_well(own_time: WorkflowEnvironment) -> None:
    alternative = delivery(BACKUP).model_copy(update={"reply_to": "changelog:payments:2026-W47"})
    report = await recovered(own_time, {BACKUP: [True]}, UNIT, alternatives={UNIT: (alternative,)})
    assert CHANNELS.listeners[BACKUP] == ["changelog:payments:2026-W47", report.workflow_id]


async def test_a_stand_in_keeps_its_schedule_within_the_time_of_the_step(own_time: WorkflowEnvironment) -> None:
    """So a mail arrives that a greylisting server takes at its second try."""
    report = await recovered(own_time, {MAIL: [False, True]}, UNIT, failure=EXPIRED, again_after=MINUTE, **MAILS)
    assert states(report)[-1] == ("email", StepState.RESOLVED)
    assert report.steps[-1].message == "stood in for by mail to payments@acme.dev"
    assert (CHANNELS.tries[MAIL], CHANNELS.dropped) == (2, [])


@pytest.mark.parametrize(
    ("tries", "seconds"), [([False], 100), ([None], 120)], ids=["gives up before its next try", "says nothing"]
)
async def test_a_stand_in_that_does_not_take_it_in_time_is_dropped(
    own_time: WorkflowEnvironment, tries: list[bool | None], seconds: int
) -> None:
    report = await recovered(own_time, {MAIL: tries}, UNIT, failure=EXPIRED, again_after=timedelta(seconds=50), **MAILS)
    email = next(step for step in report.steps if step.id == "email")
    assert email.state is not StepState.SUCCEEDED
    assert seconds - 1 < email.duration.total_seconds() < seconds + 10
    assert CHANNELS.dropped == [MAIL]
    assert CHANNELS.begun[MAIL][0].gives_up_at == email.started_at + 2 * MINUTE


async def test_what_heals_meanwhile_needs_no_stand_in(own_time: WorkflowEnvironment) -> None:
    """At its second try: the third comes at the moment in which the mail gives up by itself."""
    report = await recovered(
        own_time,
        {UNIT: [False, True]},
        UNIT,
        again_after=timedelta(seconds=50),
        failure=EXPIRED,
        **MAILS,
    )
    assert (report.outcome, report.steps[-1].id) == (RecoveryOutcome.HEALED, "email")
    assert report.steps[-1].message == "the channel took it"
    assert CHANNELS.dropped == [MAIL]


async def test_a_channel_that_lets_it_be_because_another_stands_in_is_not_healed(own_time: WorkflowEnvironment) -> None:
    own = delivery(UNIT)
    dropping = own.model_copy(update={"channel": own.channel.model_copy(update={"after_fallback": "drop"})})
    report = await recovered(own_time, {BACKUP: [True]}, UNIT, deliveries=(dropping,), **BACKUPS)
    assert CHANNELS.dropped == [UNIT]
    assert report.outcome is RecoveryOutcome.STAND_IN
