"""Which plan is followed: the most specific one that fits."""

import pytest

from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.choosing import plan_for
from devsync.domain.recovery.plan import Handles, RecoveryPlan

AUTH, NETWORK, DATABASE = ErrorCategory.AUTHENTICATION, ErrorCategory.NETWORK, ErrorCategory.DATABASE


def plan(name: str, *handles: tuple[str, str, tuple[ErrorCategory, ...]]) -> RecoveryPlan:
    kinds = tuple(Handles(service=service, phase=phase, categories=of) for service, phase, of in handles)
    return RecoveryPlan(name=name, handles=kinds, steps=())


PLANS = (
    plan("anything", ("any", "any", ())),
    plan("rendering", ("any", "render", ())),
    plan("github", ("github", "any", ())),
    plan("github-collection", ("github", "collect", ()), ("jira", "collect", ())),
    plan("people", ("any", "collect", (AUTH, DATABASE))),
    plan("github-people", ("github", "collect", (AUTH,))),
    plan("again", ("github", "collect", ())),
)


@pytest.mark.parametrize(
    ("service", "phase", "categories", "expected"),
    [
        ("slack", "deliver", [NETWORK], "anything"),
        ("local", "render", [NETWORK], "rendering"),
        ("github", "deliver", [NETWORK], "github"),
        ("github", "render", [NETWORK], "github"),  # the service before the phase
        ("github", "collect", [NETWORK], "github-collection"),  # the first in the file
        ("jira", "collect", [NETWORK], "github-collection"),
        ("jira", "collect", [AUTH], "people"),  # the categories before the service
        ("jira", "collect", [AUTH, DATABASE], "people"),
        ("github", "collect", [AUTH], "github-people"),
        ("github", "collect", [AUTH, DATABASE], "people"),
        ("github", "collect", [AUTH, NETWORK], "github-collection"),  # it must have all of them
        ("github", "collect", [], "github-people"),
    ],
)
def test_the_most_specific_plan_wins(service: str, phase: str, categories: list[ErrorCategory], expected: str) -> None:
    failures = [Failure(category=category, message="", is_retryable=False) for category in categories]
    chosen = plan_for(PLANS, service, phase, failures)
    assert chosen is not None
    assert chosen.name == expected


def test_where_no_plan_fits_there_is_none() -> None:
    assert plan_for(PLANS[4:], "slack", "deliver", []) is None
