"""What is said of an escalation: who was reached, and why a decision is not there."""

from datetime import UTC, datetime
from typing import Any

import pytest

from devsync.contracts.escalation import Subscriber, SubscriberEntry, SubscriberState, ToldState, ToldTarget
from devsync.domain.escalation.machine import Event, EventKind
from devsync.domain.escalation.policy import Target
from devsync.domain.recovery.decision import Decision
from devsync.rendering.escalation_words import happened, not_offered, reach, told_words, who

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETRY, FALLBACK, SKIP, ABORT = Decision.RETRY, Decision.USE_FALLBACK, Decision.SKIP, Decision.ABORT
AWAY = "slack cannot be reached"
PENDING, TOLD, UNCERTAIN, UNREACHED = ToldState


def target(state: ToldState = PENDING, **fields: Any) -> ToldTarget:
    return ToldTarget(target=Target(kind="slack", target="#oncall"), level="team_lead", state=state, **fields)


@pytest.mark.parametrize(
    ("told", "while_open", "once_over"),
    [
        (target(), "being told", "not reached before it was over"),
        (target(error=AWAY), f"not reached yet, tried again: {AWAY}", f"not reached before it was over: {AWAY}"),
        (target(TOLD, told_at=NOON), "told", "told"),
        (target(told_at=NOON), "told", "told"),
        (
            target(TOLD, told_at=NOON, error=AWAY),
            f"told; perhaps not of what has changed since: {AWAY}",
            f"told; perhaps not of how it ended: {AWAY}",
        ),
        (
            target(UNREACHED, told_at=NOON, error="channel_not_found"),
            "told; perhaps not of what has changed since: channel_not_found",
            "told; perhaps not of how it ended: channel_not_found",
        ),
        (
            target(UNCERTAIN, error="no answer"),
            "perhaps told, whether it arrived is not known: no answer",
            "perhaps told, whether it arrived is not known: no answer",
        ),
        (
            target(UNREACHED, error="channel_not_found"),
            "not reached, and not tried again: channel_not_found",
            "not reached, and not tried again: channel_not_found",
        ),
    ],
)
def test_how_it_stands_with_who_is_to_be_told(told: ToldTarget, while_open: str, once_over: str) -> None:
    assert (told_words(told, is_over=False), told_words(told, is_over=True)) == (while_open, once_over)


def test_those_count_as_reached_who_have_heard_of_it() -> None:
    there, not_there = target(TOLD, told_at=NOON, error=AWAY), target(UNCERTAIN)
    assert [reach(told) for told in ([], [not_there], [there, not_there], [there])] == [
        "nobody is to be told yet", "none of 1 reached", "1 of 2 reached", "1 of 1 reached",
    ]  # fmt: skip


def concerned(state: SubscriberState, *choices: Decision) -> SubscriberEntry:
    subscriber = Subscriber(workflow_id="w", subject="payments 2026-W47: github", choices=choices)
    return SubscriberEntry(subscriber=subscriber, state=state, joined_at=NOON)


WAITS, FOLLOWS, LEFT = SubscriberState.WAITING, SubscriberState.FOLLOWING, SubscriberState.LEFT


@pytest.mark.parametrize(
    ("entries", "choices", "words"),
    [
        ([concerned(WAITS, *Decision)], tuple(Decision), ""),
        (
            [concerned(WAITS, RETRY, SKIP, ABORT)],
            (RETRY, SKIP, ABORT),
            "Not offered: use fallback, since nothing stands in",
        ),
        (
            [concerned(FOLLOWS, RETRY, SKIP)],
            (RETRY, SKIP),
            "Not offered: use fallback, since what stands in is in use already; "
            "abort, since what it was about is over",
        ),
        (
            [concerned(FOLLOWS)],
            (),
            "Whoever is concerned has gone on, and takes no answer",
        ),
        ([concerned(LEFT, *Decision)], (), "Nobody is concerned any more"),
        ([], (), "Nobody is concerned any more"),
    ],
    ids=["all", "nothing stands in", "an amendment", "told only", "gone", "nobody"],
)  # fmt: skip
def test_why_a_decision_is_not_there(entries: list[SubscriberEntry], choices: tuple[Decision, ...], words: str) -> None:
    assert not_offered(choices, entries) == words


@pytest.mark.parametrize(
    ("kind", "actor", "words"),
    [
        (EventKind.OPENED, "policy", ""),
        (EventKind.OPENED, "anna", "by anna"),
        (EventKind.RESOLVED, "policy", "by the policy"),
        (EventKind.RESOLVED, "healed", "by itself"),
        (
            EventKind.JOINED,
            "recovery:payments:2026-W47:github.collect:1",
            "recovery:payments:2026-W47:github.collect:1",
        ),
        (EventKind.REFUSED, "", ""),
    ],
)
def test_who_did_it_is_told_where_somebody_did(kind: EventKind, actor: str, words: str) -> None:
    assert who(Event(at=NOON, kind=kind, actor=actor, level="", message="")) == words


def test_an_event_is_called_by_a_word_of_the_language() -> None:
    words = [happened(kind) for kind in EventKind]
    assert len(set(words)) == len(words)
    assert not any("_" in word for word in words)
    assert happened(EventKind.TOLD_THE_END) == "who knows of it in the end", "also of who never heard of it"
