"""config/recovery.yaml: the shipped plans, and what is refused with file, line and cure."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.contracts.activities import RECOVERY_STEPS
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.builtin import BUILTIN
from devsync.domain.recovery.choosing import plan_for
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.plan import Need, RecoveryPlan
from devsync.settings.problems import ConfigError
from devsync.settings.recovery import read_recovery

SHIPPED = Path(__file__).parents[2] / "config" / "recovery.yaml"
ORDINARY = Failure(category=ErrorCategory.EXTERNAL_SERVICE, message="503", is_retryable=True)
EXPIRED = Failure(category=ErrorCategory.AUTHENTICATION, message="expired", is_retryable=False)


@pytest.fixture(scope="module")
def plans() -> tuple[RecoveryPlan, ...]:
    return read_recovery(SHIPPED).model.plans


@pytest.mark.parametrize(
    ("service", "phase", "failure", "expected", "steps"),
    [
        ("github", "collect", ORDINARY, "github-collection", "status retry breaker cached partial rest mirror feed"),
        ("jira", "collect", ORDINARY, "jira-collection", "status retry breaker cached partial derived"),
        ("calendar", "metrics", ORDINARY, "calendar", "retry cached"),
        ("github", "metrics", ORDINARY, "deployments", "retry cached computed"),
        ("jira", "metrics", ORDINARY, "boards", "retry cached"),
        ("local", "render", ORDINARY, "rendering", "fallback simplified plain manual"),
        ("slack", "deliver", ORDINARY, "slack-delivery", "retry alternative email queue manual"),
        ("slack", "deliver", EXPIRED, "slack-delivery", "retry alternative email queue manual"),
        ("email", "deliver", ORDINARY, "other-delivery", "retry alternative queue"),
        ("webhook", "deliver", EXPIRED, "other-delivery", "retry alternative queue"),
        ("github", "collect", EXPIRED, "needs-a-person", "cached mirror derived"),
        ("jira", "collect", EXPIRED, "needs-a-person", "cached mirror derived"),
    ],
)
def test_each_row_of_the_table_is_shipped(
    plans: tuple[RecoveryPlan, ...], service: str, phase: str, failure: Failure, expected: str, steps: str
) -> None:
    plan = plan_for(plans, service, phase, [failure])
    assert plan is not None
    assert (plan.name, [step.id for step in plan.steps]) == (expected, steps.split())


def test_the_shipped_plans_use_every_step_that_there_is(plans: tuple[RecoveryPlan, ...]) -> None:
    used = {step.activity for plan in plans for step in plan.steps}
    assert used == {contract.name for contract in RECOVERY_STEPS} | set(BUILTIN)


def test_a_plan_survives_a_workflow_history(plans: tuple[RecoveryPlan, ...]) -> None:
    assert [RecoveryPlan.model_validate_json(plan.model_dump_json()) for plan in plans] == list(plans)


def written(directory: Path, steps: str, more: str = "") -> Path:
    path = directory / "recovery.yaml"
    path.write_text(f"own:\n  handles: [{{service: github, phase: collect}}]\n  steps:\n{steps}{more}")
    return path


def test_a_plan_says_all_that_can_be_said(tmp_path: Path) -> None:
    more = "  escalates: {ask: stand_in, tell: never, default: abort}\n"
    text = """\
    - {id: status, activity: status.read_page, timeout: 5s}
    - id: rest
      activity: github.collect_again
      timeout: 90s
      heartbeat: 25s
      retry: {attempts: 3, initial: 2s, factor: 1.5}
      depends_on: [status]
      when: {category: [network], outcome: {status: [succeeded]}, fact: {indicator: [none]}, time_left: 5m}
      with: {api: rest}
"""
    (plan,) = read_recovery(written(tmp_path, text, more)).model.plans
    _, rest = plan.steps
    assert (rest.timeout, rest.heartbeat, rest.retry.attempts) == (timedelta(seconds=90), timedelta(seconds=25), 3)
    assert (rest.arguments, rest.depends_on, rest.when.time_left) == (
        {"api": "rest"},
        ("status",),
        timedelta(minutes=5),
    )
    assert (plan.escalates.ask, plan.escalates.default) == (Need.STAND_IN, Decision.ABORT)


def steps(*lines: str) -> str:
    return "".join(f"    - {{{line}}}\n" for line in lines)


A, B, C = (f"id: {name}, activity: local.use_cached, timeout: 5s" for name in "abc")

WRONG = {
    "a cycle": (
        steps(f"{A}, depends_on: [c]", f"{B}, depends_on: [a]", f"{C}, depends_on: [b]"),
        "4: own.steps[0].depends_on[0]: a → c → b → a is a cycle; remove one of these dependencies",
    ),
    "itself": (
        steps(f"{A}, depends_on: [a]"),
        "4: own.steps[0].depends_on[0]: a → a is a cycle; remove one of these dependencies",
    ),
    "a cycle by outcome": (
        steps(f"{A}, depends_on: [b]", f"{B}, when: {{outcome: {{a: [failed]}}}}"),
        "4: own.steps[0].depends_on[0]: a → b → a is a cycle; remove one of these dependencies",
    ),
    "a later step": (
        steps(f"{A}, depends_on: [b]", B),
        '4: own.steps[0].depends_on[0]: "b" comes later; put it before "a"',
    ),
    "an unknown step": (
        steps(A, f"{B}, depends_on: [cached]"),
        '5: own.steps[1].depends_on[0]: there is no step "cached"; the steps before are a',
    ),
    "an unknown outcome's step": (
        steps(f"{A}, when: {{outcome: {{x: [failed]}}}}"),
        '4: own.steps[0].when.outcome.x: there is no step "x"; remove it',
    ),
    "an unknown outcome": (
        steps(A, f"{B}, when: {{outcome: {{a: [fail]}}}}"),
        '5: own.steps[1].when.outcome.a[0]: "fail" is not known here; did you mean "failed"?',
    ),
    "an unknown activity": (
        steps("id: a, activity: local.use_cache, timeout: 5s"),
        '4: own.steps[0].activity: "local.use_cache" is not a step that anybody does; did you mean "local.use_cached"?',
    ),
    "a step of another phase": (
        steps("id: a, activity: workflow.queue_delivery, timeout: 5s"),
        '4: own.steps[0].activity: "workflow.queue_delivery" works only in phase deliver; remove it, or handle collect '
        "by another plan",
    ),
    "the same id": (steps(A, A), '5: own.steps[1].id: a step "a" is there already; give it another id'),
    "an unknown predicate": (
        steps(f"{A}, when: {{categories: [network]}}"),
        '4: own.steps[0].when.categories: is not a known key; did you mean "category"?',
    ),
    "an unknown category": (
        steps(f"{A}, when: {{category: [netwrok]}}"),
        '4: own.steps[0].when.category[0]: "netwrok" is not known here; did you mean "network"?',
    ),
    "no time-out": (
        steps("id: a, activity: local.use_cached"),
        "4: own.steps[0].timeout: is missing; write for example `timeout: 30s`",
    ),
    "arguments by another name": (
        steps(f"{A}, wth: {{api: rest}}"),
        '4: own.steps[0].wth: is not a known key; did you mean "with"?',
    ),
    "a default that no time is left for": (
        steps(A) + "  escalates: {default: retry}\n",
        '5: own.escalates.default: "retry" is not a known default; write use_fallback, skip or abort',
    ),
    "an unknown service": (
        steps(A) + "other: {handles: [{service: githup, phase: collect}]}\n",
        '5: other.handles[0].service: "githup" is not a known service; did you mean "github"?',
    ),
    "an unknown phase": (
        steps(A) + "other: {handles: [{service: github, phase: colect}]}\n",
        '5: other.handles[0].phase: "colect" is not a known phase; did you mean "collect"?',
    ),
    "two plans for the same": (
        steps(A) + "other: {handles: [{service: jira, phase: collect}, {service: github, phase: collect}]}\n",
        '5: other.handles[1]: the plan "own" is for the same; remove one of both',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_plan_that_cannot_be_followed_is_refused_with_line_and_cure(tmp_path: Path, case: str) -> None:
    text, problem = WRONG[case]
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        read_recovery(path)
    assert refused.value.problems == (f"{path}:{problem}",)
