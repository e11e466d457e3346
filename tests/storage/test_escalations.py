"""Escalations on record, in a real database: written once, never set back, and asked whether a failure recurred."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devsync.contracts.escalation import (
    RecordEscalation,
    Subscriber,
    SubscriberEntry,
    SubscriberState,
    ToldState,
    ToldTarget,
)
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.escalation import machine
from devsync.domain.escalation.machine import EscalationRecord, Event, EventKind
from devsync.domain.escalation.policy import EscalationPolicy, Level, Target
from devsync.domain.recovery.decision import Decision
from devsync.storage.database import Database
from devsync.storage.escalations import Escalations
from devsync.storage.tables import escalations

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = EscalationPolicy(
    name="default",
    levels=(Level(name="team_lead", targets=(Target(kind="slack", target="#oncall"),), delay=HOUR),),
    entry={},
    acknowledgement_timeout=HOUR,
    default_decision=Decision.SKIP,
)
DOWN = Failure(category=ErrorCategory.NETWORK, message="nobody\0 answers", is_retryable=True, fingerprint="f1")


def opened(at: datetime = NOON) -> tuple[EscalationRecord, tuple[Event, ...]]:
    return machine.opened(POLICY, "team_lead", "policy", "nobody answers", at)


def message(record: EscalationRecord, events: tuple[Event, ...], first: int = 1, **changes: Any) -> RecordEscalation:
    values: dict[str, Any] = {
        "workflow_id": "escalation:service:github",
        "page": "run-1",
        "service": "github",
        "failure": DOWN,
        "severity": ErrorSeverity.MEDIUM,
        "record": record,
        "first_number": first,
        "events": events,
    }
    return RecordEscalation(**(values | changes))


async def test_it_is_written_once_and_nothing_older_replaces_something_newer(database: Database) -> None:
    record, first = opened()
    over, second = machine.resolve(record, "anna", Decision.RETRY, "back", NOON + HOUR)
    store = Escalations(database)
    for one in (message(record, first), message(over, second, 2), message(record, first), message(over, second, 2)):
        await store.write(one)
    assert await store.events("escalation:service:github", "run-1") == [*first, *second]
    (row,) = list(await database.execute(escalations.select()))
    assert (row.state, row.decision, row.decided_by, row.resolved_at, row.events) == (
        "resolved", "retry", "anna", NOON + HOUR, 2,
    )  # fmt: skip
    assert row.failure == "nobody\ufffd answers"


async def test_who_was_told_is_on_record_as_the_newest_events_have_it_whichever_is_written_last(
    database: Database,
) -> None:
    record, first = opened()
    over, second = machine.resolve(record, "anna", Decision.RETRY, "back", NOON + HOUR)
    reached = Event(at=NOON + HOUR, kind=EventKind.REACHED, actor="policy", level="team_lead", message="#oncall")
    before = ToldTarget(target=Target(kind="slack", target="#oncall"), level="team_lead")
    after = before.model_copy(update={"state": ToldState.TOLD, "told_at": NOON + HOUR})
    store = Escalations(database)
    await store.write(message(over, (*first, *second, reached), told=(after,)))
    await store.write(message(over, (*first, *second), told=(before,)))
    page = await store.page("escalation:service:github", teams=None)
    assert page is not None
    assert [one.is_reached for one in page.told] == [True]


async def test_a_line_knows_the_teams_that_waited(database: Database) -> None:
    names = ("payments", "search", "payments")
    waiting = tuple(
        SubscriberEntry(
            subscriber=Subscriber(workflow_id=str(number), team=team, subject=""),
            state=SubscriberState.WAITING,
            joined_at=NOON,
        )
        for number, team in enumerate(names)
    )
    store = Escalations(database)
    await store.write(message(*opened(), subscribers=waiting))
    await store.write(message(*opened(), page="of nobody"))
    found = await store.newest(teams=None, are_open=True, limit=2)
    assert {one.page: set(one.teams) for one in found} == {"run-1": {"payments", "search"}, "of nobody": set()}


async def test_a_failure_has_recurred_where_an_earlier_page_about_it_is_over(database: Database) -> None:
    store = Escalations(database)
    record, events = opened()
    assert not await store.has_recurred("f1", NOON - HOUR)
    await store.write(message(record, events))
    assert not await store.has_recurred("f1", NOON - HOUR), "it is still open: whoever comes joins it"
    over, ended = machine.resolve(record, "anna", Decision.RETRY, "", NOON + HOUR)
    await store.write(message(over, ended, 2))
    assert await store.has_recurred("f1", NOON - HOUR)
    assert not await store.has_recurred("f1", NOON + timedelta(seconds=1)), "before the window"
    assert not await store.has_recurred("f2", NOON - HOUR)
