"""What people read first: one plain sentence, and what each decision does where they are."""

from datetime import UTC, datetime, timedelta

import pytest

from devsync.contracts.escalation import EscalationView, Subscriber, SubscriberEntry, SubscriberState
from devsync.contracts.notifications import Notice
from devsync.domain.breaker.refusals import CircuitOpen, ServicePaused
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.escalation.machine import opened
from devsync.domain.escalation.policy import EscalationPolicy, Level, Target
from devsync.domain.recovery.decision import Decision
from devsync.runtime.classification import classify
from workflows.escalation.story import escalation_story, notice_of, title_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEADS = Level(name="team_lead", targets=(Target(kind="slack", target="#leads"),), delay=timedelta(hours=1))
POLICY = EscalationPolicy(
    name="default",
    levels=(LEADS,),
    entry={},
    acknowledgement_timeout=timedelta(hours=1),
    default_decision=Decision.SKIP,
)


def failed(message: str) -> Failure:
    return Failure(category=ErrorCategory.EXTERNAL_SERVICE, message=message, is_retryable=True)


def refused(kind: type[CircuitOpen | ServicePaused]) -> Failure:
    why = "its circuit breaker is open: 10 failures in 15 min, last: github answered 503"
    return classify(kind("github", NOON, why, 5), "github", NOON)


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (failed("github answered 503 (Service Unavailable)"), "github answered 503 (Service Unavailable)"),
        (failed("github answered 401 (Bad credentials): check GITHUB_TOKEN"), "github answered 401 (Bad credentials)"),
        (failed("the token has expired; renew it"), "github: the token has expired"),
        (refused(CircuitOpen), "no calls go out to github, whose circuit breaker is open"),
        (refused(ServicePaused), "no calls go out to github, which limits our rate"),
    ],
)
def test_the_headline_is_one_plain_clause(failure: Failure, title: str) -> None:
    assert (
        title_of(EscalationView(escalation_id="escalation:service:github", service="github", failure=failure)) == title
    )


def noticed(state: SubscriberState) -> tuple[Notice, str]:
    """What is sent, and what the Web UI shows."""
    record = opened(POLICY, "team_lead", "policy", "", NOON).record
    subscriber = Subscriber(workflow_id="amendment:payments:2026-W47", subject="payments 2026-W47: out without 1")
    view = EscalationView(
        escalation_id="escalation:service:github",
        service="github",
        title="github answered 503",
        failure=failed("github answered 503: try later"),
        record=record,
        choices=(Decision.RETRY, Decision.SKIP),
        is_waited_for=state is SubscriberState.WAITING,
        subscribers=(SubscriberEntry(subscriber=subscriber, state=state, joined_at=NOON),),
    )
    return notice_of(view, record, None), escalation_story(view)


def test_the_notice_says_since_when_and_keeps_the_failure_below() -> None:
    notice, _ = noticed(SubscriberState.WAITING)
    assert notice.title == "Decision needed: github answered 503, since 2026-11-23 12:00 UTC"
    assert notice.body.startswith("github answered 503: try later")


def test_what_skip_does_depends_on_whether_somebody_waits() -> None:
    for told in (noticed(SubscriberState.WAITING)[0].body, noticed(SubscriberState.WAITING)[1]):
        assert "go on without: a named gap" in told
    for told in (noticed(SubscriberState.FOLLOWING)[0].body, noticed(SubscriberState.FOLLOWING)[1]):
        assert "give up what is missing: nobody tries it again, and a partial edition says so" in told
