"""A recovery and the Deliveries that it speaks with, both as they are: what they say is what the other hears."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryRequest, DeliveryState, Recalled
from devsync.contracts.recovery import FailedUnit, RecoveryReport, RecoveryRequest
from devsync.domain.errors import Failure
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import RecoveryPlan, StepRetry, StepState
from tests.workflows import other_channels, slack_channel
from tests.workflows.other_channels import ANNA, LATER, Answers
from tests.workflows.recovery_stage import MINUTE, WEEK, Escalation, Ground, shipped
from tests.workflows.slack_channel import NO_ANSWER, NO_SCOPE, REFUSED_FOR_NOW
from workflows.delivery.delivery import Delivery
from workflows.recovery.recovery import Recovery

SLACK = slack_channel.request()
RARELY = SLACK.schedule.model_copy(update={"retry_after": (60 * MINUTE,) * 8})
DELIVERY_ID = names.delivery_id("payments", WEEK, SLACK.channel.key)


@dataclass
class Office:
    environment: WorkflowEnvironment
    answers: Answers = field(default_factory=Answers)
    ground: Ground = field(default_factory=Ground)

    async def deliver(self, request: DeliveryRequest = SLACK) -> WorkflowHandle[Delivery, DeliveryOutcome]:
        return await self.environment.client.start_workflow(
            Delivery.run, request, id=DELIVERY_ID, task_queue=names.CONTROL_QUEUE
        )

    async def recover(self, plan: RecoveryPlan, failure: Failure = REFUSED_FOR_NOW) -> RecoveryReport:
        escalation = await self.environment.client.start_workflow(
            Escalation.run, id=f"escalation:{uuid.uuid4()}", task_queue=names.EDITIONS_QUEUE
        )
        self.ground.escalation_id = escalation.id
        request = RecoveryRequest(
            team="payments",
            iso_week=WEEK,
            service=names.SLACK,
            phase="deliver",
            plan=plan,
            units=(FailedUnit(unit=SLACK.channel.key, service=names.SLACK, failure=failure),),
            deliveries=(SLACK,),
            mails=(other_channels.mail(ANNA, stands_in_for="#payments"),),
            deadline=await self.environment.get_current_time() + 60 * MINUTE,
            policies={},
        )
        return await self.environment.client.execute_workflow(
            Recovery.run, request, id=f"recovery:{uuid.uuid4()}", task_queue=names.EDITIONS_QUEUE
        )


@asynccontextmanager
async def office(environment: WorkflowEnvironment, answers: Answers) -> AsyncIterator[Office]:
    on = Office(environment, answers)
    client, channel = environment.client, answers.channel
    local: list[Callable[..., Any]] = [*on.ground.of_service(names.LOCAL), channel.recall, channel.record]
    async with (
        Worker(client, task_queue=names.EDITIONS_QUEUE, workflows=[Recovery, Escalation], activities=local),
        Worker(client, task_queue=names.CONTROL_QUEUE, workflows=[Delivery], activities=local),
        Worker(
            client,
            task_queue=names.service_queue(names.SLACK),
            activities=[channel.send, channel.find, channel.remove],
        ),
        Worker(client, task_queue=names.service_queue(names.EMAIL), activities=[answers.send_mail]),
    ):
        yield on


def only(*steps: str) -> RecoveryPlan:
    plan = shipped(names.SLACK, "deliver", REFUSED_FOR_NOW)
    return plan.model_copy(update={"steps": tuple(step for step in plan.steps if step.id in steps)})


async def test_nobody_is_waited_for_once_the_channel_has_healed_by_itself(own_time: WorkflowEnvironment) -> None:
    answers = Answers()
    answers.channel.send_failures = [(REFUSED_FOR_NOW, False)]  # it goes on after 5 s
    async with office(own_time, answers) as on:
        with own_time.auto_time_skipping_disabled():
            await slack_channel.until_waiting(await on.deliver())
        report = await on.recover(only("manual"))
    assert (report.outcome, report.decided_by) == (RecoveryOutcome.HEALED, "healed by itself")
    assert [step.id for step in report.steps] == ["manual"]  # no retry was needed
    assert answers.channel.keys == ["0", "1"]


async def test_a_greylisted_mail_stands_in_at_its_second_try(own_time: WorkflowEnvironment) -> None:
    answers = Answers(mails=[{ANNA: LATER}])
    answers.channel.send_failures = [(REFUSED_FOR_NOW, False)] * 100
    async with office(own_time, answers) as on:
        with own_time.auto_time_skipping_disabled():
            delivery = await on.deliver()
            await slack_channel.until_waiting(delivery)
        report = await on.recover(only("email"))
        await delivery.terminate("its test is over")
    (email,) = report.steps
    assert (email.state, report.outcome) == (StepState.RESOLVED, RecoveryOutcome.STAND_IN)
    assert email.message == f"stood in for by mail to {ANNA}"
    assert [mail.stands_in_for for mail in answers.sent_mails] == ["#payments", "#payments"]
    assert timedelta(seconds=30) <= answers.waits[0] < MINUTE


async def test_a_delivery_that_was_stopped_before_the_recovery_began_sends_nothing(
    own_time: WorkflowEnvironment,
) -> None:
    answers = Answers()
    answers.channel.send_failures = [(REFUSED_FOR_NOW, False)]
    async with office(own_time, answers) as on:
        with own_time.auto_time_skipping_disabled():
            delivery = await on.deliver()
            await slack_channel.until_waiting(delivery)
            await delivery.cancel(reason="anna: wrong channel")
            try:
                await delivery.result()
            except WorkflowFailureError:
                answers.channel.recalled = Recalled(outcome=await delivery.query(Delivery.outcome))
        report = await on.recover(shipped(names.SLACK, "deliver", REFUSED_FOR_NOW))
    (retry,) = report.steps
    assert retry.message.startswith(f"somebody stopped {SLACK.channel.key}: the delivery was cancelled: ")
    assert (len(answers.channel.sends), answers.sent_mails) == (1, [])


async def test_a_post_that_may_be_there_is_asked_for_until_the_channel_can_tell(own_time: WorkflowEnvironment) -> None:
    answers = Answers()
    answers.channel.send_failures = [(NO_ANSWER, True)]
    answers.channel.find_failures = [NO_SCOPE]  # then somebody grants it
    async with office(own_time, answers) as on:
        outcome = await (await on.deliver()).result()
        assert outcome.state is DeliveryState.UNCERTAIN
        answers.channel.recalled = Recalled(outcome=outcome)
        report = await on.recover(only("manual"))
    assert report.outcome is RecoveryOutcome.HEALED
    assert answers.channel.keys == ["0", "1"]  # each part once
    assert on.ground.joins


async def test_what_heals_while_the_retry_waits_begins_no_new_run(own_time: WorkflowEnvironment) -> None:
    answers = Answers()
    answers.channel.send_failures = [(REFUSED_FOR_NOW, False)] * 2  # the second is the retry's; then after 5 s
    async with office(own_time, answers) as on:
        with own_time.auto_time_skipping_disabled():
            delivery = await on.deliver()
            await slack_channel.until_waiting(delivery)
        report = await on.recover(only("retry"))
        runs = await delivery.describe()
    (retry,) = report.steps
    assert (retry.state, retry.attempts) == (StepState.RESOLVED, 1)
    assert runs.run_id == delivery.first_execution_run_id


@dataclass
class Slow:
    """A channel that fails twice, and then is slow beyond the end of the step that has it tried again."""

    answers: Answers = field(default_factory=Answers)
    post: asyncio.Event = field(default_factory=asyncio.Event)
    """The slow post arrives."""

    def __post_init__(self) -> None:
        channel = self.answers.channel
        channel.send_failures = [(REFUSED_FOR_NOW, False)] * 2  # the first try, and the row's first
        channel.send_holds = {2: self.post}

    @asynccontextmanager
    async def recovered(
        self, environment: WorkflowEnvironment, *others: str
    ) -> AsyncIterator[tuple[RecoveryReport, WorkflowHandle[Delivery, DeliveryOutcome]]]:
        """By a retry of a few seconds, and the other steps."""
        plan = only("retry", *others)
        retry, *rest = plan.steps
        short = {"timeout": timedelta(seconds=8), "retry": StepRetry(attempts=5, initial=timedelta(seconds=1))}
        plan = plan.model_copy(update={"steps": (retry.model_copy(update=short), *rest)})
        async with office(environment, self.answers) as on:
            with environment.auto_time_skipping_disabled():
                delivery = await on.deliver(SLACK.model_copy(update={"schedule": RARELY}))
                await slack_channel.until_waiting(delivery)
            yield await on.recover(plan), delivery
            self.post.set()
            assert (await delivery.result()).state is DeliveryState.DELIVERED
        assert self.answers.channel.keys == ["0", "1"], "each part once"


async def test_of_a_row_whose_last_try_is_under_way_when_its_time_is_up_the_record_counts_all(
    own_time: WorkflowEnvironment,
) -> None:
    async with Slow().recovered(own_time, "queue") as (report, _):
        retry, queue = report.steps
        assert (retry.state, retry.attempts) == (StepState.TIMED_OUT, 2)
        assert retry.message == f"{SLACK.channel.key} did not say in time what came of it"
        assert retry.duration < timedelta(seconds=10)
        assert queue.state is StepState.RESOLVED


async def test_a_try_that_succeeds_after_the_step_ends_the_step_that_came_next(own_time: WorkflowEnvironment) -> None:
    slow = Slow(Answers(mails=[{ANNA: LATER}]))
    slow.answers.was_mailed = slow.post
    async with slow.recovered(own_time, "email") as (report, _):
        retry, email = report.steps
        assert (retry.state, retry.attempts) == (StepState.TIMED_OUT, 2)
        assert (email.state, email.message) == (StepState.RESOLVED, "the channel took it")
        assert report.outcome is RecoveryOutcome.HEALED
    assert len(slow.answers.sent_mails) == 1, "which was not taken"


async def test_a_retry_whose_last_post_may_be_there_says_so_although_it_is_not_known_in_time(
    own_time: WorkflowEnvironment,
) -> None:
    answers = Answers()
    answers.channel.send_failures = [(REFUSED_FOR_NOW, False), (REFUSED_FOR_NOW, False), (NO_ANSWER, False)]
    plan = only("retry")
    (step,) = plan.steps
    short = step.model_copy(update={"timeout": timedelta(seconds=25)})  # the channel can be asked 20 s after a post
    async with office(own_time, answers) as on:
        with own_time.auto_time_skipping_disabled():
            delivery = await on.deliver(SLACK.model_copy(update={"schedule": RARELY}))
            await slack_channel.until_waiting(delivery)
        report = await on.recover(plan.model_copy(update={"steps": (short,)}))
        await delivery.result()
    retry = report.steps[0]
    assert (retry.state, retry.message, retry.attempts) == (StepState.FAILED, NO_ANSWER.message, 2)
