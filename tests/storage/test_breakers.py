"""What breakers did within a window, by their own rules, in a real database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from devsync.domain.breaker import BREAKER, Event, Mode, State, Transition
from devsync.domain.insight.span import Span
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = Span(start=NOON, end=NOON + timedelta(hours=1))
EVENTS = {State.OPEN: Event.OPENED, State.HALF_OPEN: Event.HALF_OPENED, State.CLOSED: Event.CLOSED}


def story(*states: State, begin: datetime = NOON, actor: str = BREAKER) -> list[Transition]:
    """A transition a minute from each state to the next one."""
    return [
        Transition(
            at=begin + timedelta(minutes=minute),
            event=EVENTS[after],
            from_state=before,
            to_state=after,
            mode=Mode.NORMAL,
            reason="",
            actor=actor,
            generation=minute,
        )
        for minute, (before, after) in enumerate(pairwise(states))
    ]


async def uses(database: Database, *transitions: Transition) -> list[tuple[int, int, int]]:
    breakers = BreakerTransitions(database)
    await breakers.write("github", "entity", 1, transitions)
    return [
        (one.openings, one.recovered_at_once, one.failed_recoveries) for one in await breakers.uses(HOUR)
    ]  # fmt: skip


CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN


async def test_an_opening_that_was_over_at_the_first_try(database: Database) -> None:
    assert await uses(database, *story(CLOSED, OPEN, HALF_OPEN, CLOSED)) == [(1, 1, 0)]


async def test_one_that_was_not_counts_each_recovery_that_failed(database: Database) -> None:
    assert await uses(database, *story(CLOSED, OPEN, HALF_OPEN, OPEN, HALF_OPEN, OPEN, HALF_OPEN, CLOSED)) == [
        (1, 0, 2)
    ]


async def test_one_after_the_other(database: Database) -> None:
    told = story(CLOSED, OPEN, HALF_OPEN, OPEN, HALF_OPEN, CLOSED, OPEN, HALF_OPEN, CLOSED, OPEN)
    assert await uses(database, *told) == [(3, 1, 1)]


async def test_what_an_operator_did_is_none_of_it(database: Database) -> None:
    assert await uses(database, *story(CLOSED, OPEN, CLOSED, actor="anna")) == []


async def test_what_was_before_the_window_is_none_of_it(database: Database) -> None:
    before = story(CLOSED, OPEN, HALF_OPEN, CLOSED, begin=NOON - timedelta(hours=2))
    assert await uses(database, *before, *story(CLOSED, OPEN)) == [(1, 0, 0)]
