"""From a declared policy to the options of an activity."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import RetryPolicy as RetryPolicyMessage

from devsync.contracts import activities, names
from devsync.contracts.activities import ActivityContract
from devsync.contracts.policies import Jitter, OperationPolicy, RetryDeclaration
from devsync.domain.recovery.climbing import SHORTEST_STEP
from devsync.domain.recovery.plan import PlanStep, StepRetry
from devsync.runtime.declared_retry import DeclaredRetry
from devsync.runtime.policies import BOOTSTRAP, NEVER_RETRYABLE, activity_options, step_options
from devsync.settings.services import read_services

SHIPPED = Path(__file__).parents[2] / "config" / "services.yaml"
SECOND = timedelta(seconds=1)


def test_what_no_repetition_heals_is_not_repeated_whatever_the_file_says() -> None:
    services = read_services(SHIPPED).model
    contracts: tuple[ActivityContract[Any, Any], ...] = activities.DECLARED
    for contract in contracts:
        policy = services.policy(contract.service, contract.operation)
        assert policy.retry.non_retryable == (), "the constants stand in one place"
        retry = activity_options(contract, policy)["retry_policy"]
        assert retry is not None
        assert set(retry.non_retryable_error_types or ()) == set(NEVER_RETRYABLE)


def test_what_is_left_bounds_every_attempt_and_all_of_them() -> None:
    contract = activities.COLLECT_REPOSITORY
    policy = read_services(SHIPPED).model.policy(contract.service, contract.operation)
    left = timedelta(seconds=90)
    options = activity_options(contract, policy, time_left=left)
    assert (options["start_to_close_timeout"], options["schedule_to_close_timeout"]) == (left, left)
    assert activity_options(contract, policy)["schedule_to_close_timeout"] == policy.schedule_to_close


@pytest.mark.parametrize("timeout", [SHORTEST_STEP, timedelta(seconds=1.5), timedelta(minutes=1)])
def test_a_step_with_less_time_than_its_first_wait_has_a_policy_all_the_same(timeout: timedelta) -> None:
    """As the operation that is done again shortly before the deadline, when the breaker lets calls out."""
    step = PlanStep(
        id="retry", activity="github.collect_again", timeout=timedelta(minutes=2),
        retry=StepRetry(attempts=2, initial=timedelta(seconds=2)),
    )  # fmt: skip
    options = step_options(step, timeout)
    retry, proto = options["retry_policy"], RetryPolicyMessage()
    assert retry is not None
    retry.apply_to_proto(proto)
    assert proto.initial_interval.ToTimedelta() == timedelta(seconds=2)
    assert options["schedule_to_close_timeout"] == timeout


@pytest.mark.parametrize("contract", activities.DECLARED, ids=lambda contract: contract.name)
def test_what_is_local_runs_on_the_queue_of_its_run_and_calls_on_their_service_s(
    contract: ActivityContract[Any, Any],
) -> None:
    options = activity_options(contract, read_services(SHIPPED).model.policy(contract.service, contract.operation))
    is_local = contract.service == names.LOCAL
    assert options["task_queue"] == (None if is_local else names.service_queue(contract.service))


def test_jitter_goes_with_the_policy() -> None:
    contract = activities.PLAN_EDITION
    declared = BOOTSTRAP[contract.name]
    plain = declared.model_copy(update={"retry": declared.retry.model_copy(update={"jitter": Jitter.NONE})})
    for policy, jitter in ((declared, Jitter.FULL), (plain, Jitter.NONE)):
        retry = activity_options(contract, policy)["retry_policy"]
        assert isinstance(retry, DeclaredRetry)
        assert retry.jitter is jitter


@pytest.mark.parametrize("declared", [None, 1, 3])
@pytest.mark.parametrize("contract", activities.DECLARED, ids=lambda contract: contract.name)
def test_only_a_send_is_tried_once_whatever_is_declared(
    contract: ActivityContract[Any, Any], declared: int | None
) -> None:
    retry = RetryDeclaration(initial=SECOND, factor=2, maximum=SECOND, attempts=declared)
    options = activity_options(contract, OperationPolicy(retry=retry, start_to_close=SECOND))
    assert options["retry_policy"] is not None
    tried = options["retry_policy"].maximum_attempts
    sends = {
        activities.SEND_SLACK_PART.name,
        activities.SEND_MAIL.name,
        activities.SEND_WEBHOOK.name,
        activities.NOTIFY_SLACK.name,
    }
    assert tried == (1 if contract.name in sends else declared or 0)
