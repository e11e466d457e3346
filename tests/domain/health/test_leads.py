"""Where each alert leads: the pages and the command that tell the same as it does."""

from datetime import timedelta

import pytest

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.book import Alert, AlertState
from devsync.domain.health.counted import Counted
from devsync.domain.health.leads import command_of, leads_of
from devsync.domain.health.naming import EDITIONS, OTHERS, RuleName, key_of
from devsync.domain.health.wording import counted_words, span_words, state_words
from devsync.domain.insight.span import Span
from tests.domain.health.makers import HOUR, NOW

HOUR_BEFORE = Span(start=NOW - HOUR, end=NOW)
WITHIN = "from=2026-11-23T11:00:00Z&until=2026-11-23T12:00:00Z"


def alert(rule: RuleName, subject: str, *, of: int = 0, count: int = 1, edition: str = "") -> Alert:
    counted = Counted(over=HOUR_BEFORE, of=of, edition=edition) if of else None
    return Alert(
        id=f"{key_of(rule, subject)}@1", key=key_of(rule, subject), rule=rule, level=ErrorSeverity.HIGH,
        state=AlertState.FIRING, summary="it is ill", count=count, counted=counted, opened_at=NOW, seen_at=NOW,
    )  # fmt: skip


LEADS: list[tuple[Alert, list[str], str]] = [
    (
        alert(RuleName.ERROR_RATE, "git hub", of=21, count=11),
        [f"/errors?service=git+hub&{WITHIN}"],
        "errors stats --window 60m --until 2026-11-23T12:00:00Z",
    ),
    (
        alert(RuleName.RESPONSE_TIME, "github", of=240),
        [f"/errors?service=github&{WITHIN}"],
        "performance stats --window 60m --until 2026-11-23T12:00:00Z",
    ),
    (alert(RuleName.BREAKER_OPEN, "github"), ["/breakers/github", "/errors?service=github"], "breaker show github"),
    (
        alert(RuleName.GENERATION_TIME, EDITIONS, of=40, count=2, edition="payments:2026-W47"),
        ["/teams/payments/runs/2026-W47", "/insight"],
        "performance stats --window 60m --until 2026-11-23T12:00:00Z",
    ),
    (
        alert(RuleName.MEMORY, EDITIONS, of=40, edition="a/b:2026-W47"),
        ["/teams/a%2Fb/runs/2026-W47", "/insight"],
        "performance stats --window 60m --until 2026-11-23T12:00:00Z",
    ),
    (
        alert(RuleName.EDITION_MISSING, "payments:2026-W47"),
        ["/deliveries?team=payments&week=2026-W47", "/teams/payments/schedule"],
        "status; python starter.py schedule list",
    ),
    (alert(RuleName.HEALTH, "overall"), ["/"], "health"),
    (alert(RuleName.HEALTH, "overall", of=80, count=8), [f"/errors?{WITHIN}", "/"], "health"),
    (alert(RuleName.BLIND, "database"), ["/"], "doctor"),
    (alert(RuleName.OPTIMISATION, "cache:github"), ["/insight"], "recommendations"),
    (alert(RuleName.ERROR_RATE, OTHERS), ["/errors"], "errors stats"),
    (alert(RuleName.BREAKER_OPEN, OTHERS), ["/breakers", "/errors"], "breaker list"),
    (
        alert(RuleName.EDITION_MISSING, OTHERS),
        ["/deliveries", "/schedules"],
        "status; python starter.py schedule list",
    ),
    (alert(RuleName.MEMORY, EDITIONS), ["/insight"], "performance stats"),
]


@pytest.mark.parametrize(("one", "pages", "command"), LEADS, ids=[f"{case[0].key} {case[0].count}" for case in LEADS])
def test_an_alert_leads_where_its_cause_is_seen(one: Alert, pages: list[str], command: str) -> None:
    assert [lead.page for lead in leads_of(one)] == pages
    assert command_of(one) == f"python starter.py {command}"


def test_every_rule_leads_somewhere() -> None:
    assert {case[0].rule for case in LEADS} == set(RuleName)


def test_what_was_counted_is_said_as_the_page_says_it() -> None:
    assert [words for one, *_ in LEADS[:5] if (words := counted_words(one))] == [
        "11 of 21 attempts failed",
        "240 API calls",
        "2 of 40 editions took longer",
        "1 of 40 editions took more",
    ]
    assert span_words(HOUR_BEFORE) == "2026-11-23 11:00 to 12:00 UTC"
    assert span_words(Span(start=NOW - timedelta(days=1), end=NOW)) == "2026-11-22 12:00 to 2026-11-23 12:00 UTC"


def test_a_state_says_who_looks_after_it_and_which_alert_tells_of_it() -> None:
    one = alert(RuleName.ERROR_RATE, "github")
    taken = {"state": AlertState.ACKNOWLEDGED, "acknowledged_by": "anna"}
    follows = {"follows": "breaker_open:github"}
    told = [state_words(one.model_copy(update=changes)) for changes in ({}, taken, follows, taken | follows)]
    assert told == [
        "firing",
        "acknowledged by anna",
        "firing, told by breaker_open:github",
        "acknowledged by anna, told by breaker_open:github",
    ]
    assert state_words(one.model_copy(update=follows | {"state": AlertState.RESOLVED})) == "resolved"
