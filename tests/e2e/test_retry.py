"""A declared retry policy on the real server: which waits, how many attempts, and what is left when it gives up.

Not on the time-skipping server: it tells activities no retry policy.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ActivityError, ApplicationError, ApplicationErrorCategory
from temporalio.plugin import SimplePlugin
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor, Worker

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.activities import ActivityContract
    from devsync.contracts.names import service_queue
    from devsync.contracts.policies import Jitter, OperationPolicy, RetryDeclaration
    from devsync.domain.errors import ErrorCategory, Failure
    from devsync.domain.model import Model
    from devsync.runtime.plugin import DevSyncPlugin
    from devsync.runtime.policies import call
    from tests.runtime import errors_of_libraries as made
    from tests.servers import Servers
    from workflows.shared.failures import failure_of

SECOND = timedelta(seconds=1)


class Question(Model):
    service: str
    policy: OperationPolicy


class Answer(Model):
    failure: Failure | None = None
    is_benign: bool = False


@workflow.defn
class Ask:
    """Calls one activity under a policy, and answers how that went."""

    @workflow.run
    async def run(self, question: Question) -> Answer:
        contract = ActivityContract(f"{question.service}.answer", Question, Answer)
        try:
            return await call(contract, question, {contract.name: question.policy}, summary="Ask")
        except ActivityError as error:
            cause = error.cause
            benign = isinstance(cause, ApplicationError) and cause.category is ApplicationErrorCategory.BENIGN
            return Answer(failure=failure_of(error), is_benign=benign)


class Told(Interceptor):
    """The waits that each attempt's failure asks the server for. Stands outside of the plugin's interceptors."""

    def __init__(self) -> None:
        self.delays: list[timedelta | None] = []

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        delays = self.delays

        class Look(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
                try:
                    return await super().execute_activity(input)
                except ApplicationError as error:
                    delays.append(error.next_retry_delay)
                    raise

        return Look(next)


class Outcome(Model):
    answer: Answer
    delays: list[float | None]
    """Seconds that the attempts asked for; None: the server's own backoff."""
    waits: list[float]
    """Seconds between the attempts."""


def policy(**retry: object) -> OperationPolicy:
    declared = {"initial": SECOND / 5, "factor": 2, "maximum": SECOND, "attempts": 4, **retry}
    return OperationPolicy(
        retry=RetryDeclaration.model_validate(declared), start_to_close=10 * SECOND, schedule_to_close=60 * SECOND
    )


async def ask(
    servers: Servers, declared: OperationPolicy, raised: Callable[[], Exception] | None, *, silent: timedelta = SECOND
) -> Outcome:
    """What comes of an activity that raises, or (None) is silent for a while and then answers."""
    service = f"s{uuid.uuid4().hex[:8]}"
    began: list[datetime] = []

    @activity.defn(name=f"{service}.answer")
    async def answer(_question: Question) -> Answer:
        began.append(activity.info().started_time)
        if raised is not None:
            raise raised()
        await asyncio.sleep(silent.total_seconds())
        return Answer()

    told = Told()
    client = await Client.connect(
        servers.temporal.address, plugins=[SimplePlugin("told", interceptors=[told]), DevSyncPlugin()]
    )
    queue = str(uuid.uuid4())
    async with (
        Worker(client, task_queue=queue, workflows=[Ask]),
        Worker(client, task_queue=service_queue(service), activities=[answer]),
    ):
        found = await client.execute_workflow(
            Ask.run, Question(service=service, policy=declared), id=str(uuid.uuid4()), task_queue=queue
        )
    return Outcome(
        answer=found,
        delays=[delay.total_seconds() if delay is not None else None for delay in told.delays],
        waits=[(later - earlier).total_seconds() for earlier, later in pairwise(began)],
    )


def ill(hint: str = "") -> Callable[[], Exception]:
    return lambda: made.github(503, "", {"Retry-After": hint} if hint else {})


async def test_full_jitter_is_drawn_below_the_backoff(servers: Servers) -> None:
    found = await ask(servers, policy(), ill())
    drawn = [delay for delay in found.delays if delay is not None]
    assert len(drawn) == 4
    assert all(delay <= most for delay, most in zip(drawn, (0.2, 0.4, 0.8, 1.0), strict=True))
    assert drawn != pytest.approx([0.2, 0.4, 0.8, 1.0])


async def test_without_jitter_the_servers_own_backoff_is_left_alone(servers: Servers) -> None:
    found = await ask(servers, policy(jitter=Jitter.NONE), ill())
    assert found.delays == [None] * 4
    assert all(wait >= least for wait, least in zip(found.waits, (0.2, 0.4, 0.8), strict=True))


async def test_a_servers_hint_is_a_floor(servers: Servers) -> None:
    found = await ask(servers, policy(attempts=3), ill("1"))
    assert all(delay is not None and 1 <= delay <= 1.5 for delay in found.delays)
    assert len(found.waits) == 2
    assert all(wait >= 1 for wait in found.waits)


async def test_without_jitter_a_hint_is_taken_as_it_is(servers: Servers) -> None:
    found = await ask(servers, policy(attempts=2, jitter=Jitter.NONE), ill("1"))
    assert found.delays == [1, 1]


async def test_schedule_to_close_is_the_budget_of_all_attempts(servers: Servers) -> None:
    declared = policy(attempts=None, initial=SECOND, maximum=60 * SECOND, jitter=Jitter.NONE)
    found = await ask(servers, declared.model_copy(update={"schedule_to_close": 2 * SECOND}), ill())
    assert len(found.waits) == 1, "a second wait would end behind the budget: it gives up at once"
    assert found.answer.failure is not None
    assert (found.answer.failure.category, found.answer.failure.code) == (ErrorCategory.EXTERNAL_SERVICE, "503")


async def test_what_is_hopeless_is_not_tried_again(servers: Servers) -> None:
    found = await ask(servers, policy(), lambda: made.github(404))
    assert (found.answer.failure and found.answer.failure.code, found.waits) == ("404", [])


async def test_a_category_that_the_policy_names_is_not_tried_again(servers: Servers) -> None:
    found = await ask(servers, policy(non_retryable=(ErrorCategory.EXTERNAL_SERVICE.value,)), ill())
    assert (found.answer.failure and found.answer.failure.code, found.waits) == ("503", [])


async def test_throttling_is_told_as_benign_and_an_outage_is_not(servers: Servers) -> None:
    limited = await ask(servers, policy(attempts=1), lambda: made.github(429))
    down = await ask(servers, policy(attempts=1), ill())
    assert (limited.answer.is_benign, down.answer.is_benign) == (True, False)


def deep() -> Exception:
    """As large as it gets: thirty causes, each with a page for a message."""
    error: Exception = made.github(503, "page " * 1000)
    for number in range(30):
        outer = RuntimeError(f"{number} " + "word " * 500)
        outer.__cause__ = error
        error = outer
    return error


async def test_a_long_chain_of_causes_keeps_its_category_when_the_budget_runs_out(servers: Servers) -> None:
    """The server keeps 4 KB of a failure that is tried again; of a larger one it forgets the kind."""
    declared = policy(attempts=None, initial=SECOND / 2, maximum=SECOND / 2, jitter=Jitter.NONE)
    found = await ask(servers, declared.model_copy(update={"schedule_to_close": 2 * SECOND}), deep)
    assert found.answer.failure is not None
    assert (found.answer.failure.category, found.answer.failure.code) == (ErrorCategory.SYSTEM, "unknown")
    assert found.answer.failure.fingerprint


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"start_to_close": SECOND}, "timeout"),
        ({"heartbeat": SECOND}, "heartbeat"),
    ],
)
async def test_an_attempt_that_temporal_gives_up_is_a_matter_of_our_system(
    servers: Servers, limits: dict[str, timedelta], code: str
) -> None:
    """Which service was slow, nobody can tell: no breaker counts it, and a write may have happened."""
    declared = policy(attempts=1).model_copy(update=limits)
    found = await ask(servers, declared, None, silent=3 * SECOND)
    failure = found.answer.failure
    assert failure is not None
    assert (failure.category, failure.code, failure.counts_for_breaker) == (ErrorCategory.SYSTEM, code, False)
    assert (failure.is_retryable, failure.may_have_taken_effect) == (True, True)
