"""Every transition of an escalation, and what makes no sense in a state."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from devsync.domain.errors import ErrorSeverity
from devsync.domain.escalation import machine
from devsync.domain.escalation.machine import EscalationRecord, Event, EventKind, State, Step
from devsync.domain.escalation.policy import EscalationPolicy, Level, Target, target_of
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import Refused

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NAMES = ("team_lead", "engineering_manager", "executive")


def rules(*, repeats: int = 0, names: tuple[str, ...] = NAMES, delay: timedelta = HOUR) -> EscalationPolicy:
    levels = [
        Level(name=name, targets=(Target(kind="slack", target=f"#{name}"),), delay=delay, repeats=repeats)
        for name in names
    ]
    return EscalationPolicy(
        name="test",
        levels=tuple(levels),
        entry={ErrorSeverity.LOW: None, ErrorSeverity.MEDIUM: names[0], ErrorSeverity.CRITICAL: names[-1]},
        acknowledgement_timeout=4 * HOUR,
        default_decision=Decision.USE_FALLBACK,
    )


def fresh(repeats: int = 0) -> EscalationRecord:
    return machine.opened(rules(repeats=repeats), "team_lead", "policy", "503", NOON).record


def acknowledged() -> EscalationRecord:
    return machine.acknowledge(fresh(), "anna", NOON + MINUTE).record


def snoozed() -> EscalationRecord:
    return machine.snooze(fresh(), "anna", 2 * HOUR, NOON + MINUTE).record


def resolved() -> EscalationRecord:
    return machine.resolve(fresh(), "anna", Decision.SKIP, "", NOON + MINUTE).record


LATER = NOON + 10 * MINUTE
BO = Target(kind="slack", target="@bo")
ONCALL = Target(kind="slack", target="#payments_oncall")

SAID: list[tuple[str, Callable[[EscalationRecord], Step]]] = [
    ("acknowledge", lambda record: machine.acknowledge(record, "bo", LATER)),
    ("snooze", lambda record: machine.snooze(record, "bo", HOUR, LATER)),
    ("escalate", lambda record: machine.escalate(record, "bo", "", "", LATER)),
    ("reassign", lambda record: machine.reassign(record, "bo", BO, LATER)),
    ("resolve", lambda record: machine.resolve(record, "bo", Decision.RETRY, "", LATER)),
]
OUTCOMES: dict[tuple[str, State], tuple[State, timedelta | None] | str] = {
    ("acknowledge", State.FIRING): (State.ACKNOWLEDGED, 4 * HOUR),
    ("acknowledge", State.ACKNOWLEDGED): "anna has acknowledged it already",
    ("acknowledge", State.SNOOZED): (State.ACKNOWLEDGED, 4 * HOUR),
    ("snooze", State.FIRING): (State.SNOOZED, HOUR),
    ("snooze", State.ACKNOWLEDGED): (State.SNOOZED, HOUR),
    ("snooze", State.SNOOZED): "anna has snoozed it already, until 2026-11-23 14:01 UTC",
    ("escalate", State.FIRING): (State.FIRING, HOUR),
    ("escalate", State.ACKNOWLEDGED): (State.FIRING, HOUR),
    ("escalate", State.SNOOZED): (State.FIRING, HOUR),
    ("reassign", State.FIRING): (State.FIRING, HOUR),
    ("reassign", State.ACKNOWLEDGED): (State.FIRING, HOUR),
    ("reassign", State.SNOOZED): (State.FIRING, HOUR),
    ("resolve", State.FIRING): (State.RESOLVED, None),
    ("resolve", State.ACKNOWLEDGED): (State.RESOLVED, None),
    ("resolve", State.SNOOZED): (State.RESOLVED, None),
    **{(name, State.RESOLVED): "it is resolved already: skip, decided by anna" for name, _ in SAID},
}
IN_STATE = {
    State.FIRING: fresh,
    State.ACKNOWLEDGED: acknowledged,
    State.SNOOZED: snoozed,
    State.RESOLVED: resolved,
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("name", "say"), SAID, ids=[name for name, _ in SAID])
def test_what_is_said_in_each_state(name: str, say: Callable[[EscalationRecord], Step], state: State) -> None:
    expected, before = OUTCOMES[name, state], IN_STATE[state]()
    if isinstance(expected, str):
        with pytest.raises(Refused, match=expected):
            say(before)
        return
    after, events = say(before)
    wait = None if after.due_at is None else after.due_at - LATER
    assert (after.state, wait) == expected
    assert [event.actor for event in events] == ["bo"]


def test_nobody_answers_each_level_is_told_as_often_as_it_says_then_the_default() -> None:
    record, happened = fresh(repeats=1), list[Event]()
    while record.due_at is not None:
        record, events = machine.tick(record, record.due_at)
        happened += events
    assert [(event.kind.value, event.level, event.at - NOON) for event in happened] == [
        ("told_again", "team_lead", 1 * HOUR),
        ("escalated", "engineering_manager", 2 * HOUR),
        ("told_again", "engineering_manager", 3 * HOUR),
        ("escalated", "executive", 4 * HOUR),
        ("told_again", "executive", 5 * HOUR),
        ("resolved", "executive", 6 * HOUR),
    ]
    assert (record.decision, record.decided_by) == (Decision.USE_FALLBACK, "policy")
    assert record.note == "nobody answered, not even executive"


def test_who_comes_late_asks_one_level_after_the_other() -> None:
    record, events = machine.tick(fresh(), NOON + 100 * HOUR)
    assert (record.level, len(events), record.due_at) == ("engineering_manager", 1, NOON + 101 * HOUR)


def test_nothing_happens_before_its_time() -> None:
    assert machine.tick(fresh(), NOON + HOUR - timedelta(microseconds=1)) == (fresh(), ())


def test_acknowledged_and_not_resolved_in_time_the_same_level_is_asked_again() -> None:
    record, (event,) = machine.tick(acknowledged(), NOON + MINUTE + 4 * HOUR)
    assert (record.state, record.level, record.holder, event.kind) == (
        State.FIRING, "team_lead", "", EventKind.RESUMED,
    )  # fmt: skip


def test_after_a_snooze_the_same_level_has_its_time_anew() -> None:
    record, (event,) = machine.tick(snoozed(), NOON + MINUTE + 2 * HOUR)
    assert (record.state, record.level, event.kind) == (State.FIRING, "team_lead", EventKind.WOKE)
    assert record.due_at == NOON + MINUTE + 3 * HOUR


def test_who_was_assigned_stays_asked_until_the_next_level_is() -> None:
    record = machine.reassign(fresh(repeats=1), "anna", BO, NOON).record
    assert record.asked == (BO,)
    record = machine.tick(record, NOON + HOUR).record
    assert record.asked == (BO,)
    record = machine.tick(record, NOON + 2 * HOUR).record
    assert [target.target for target in record.asked] == ["#engineering_manager"]
    with pytest.raises(Refused, match="@bo is asked already"):
        machine.reassign(machine.reassign(record, "anna", BO, NOON).record, "anna", BO, NOON)


@pytest.mark.parametrize(
    ("level", "expected"),
    [("", "engineering_manager"), ("Executive", "executive"), ("engineering-manager", "engineering_manager")],
)
def test_a_person_asks_the_next_level_or_another(level: str, expected: str) -> None:
    assert machine.escalate(fresh(), "anna", "", level, NOON).record.level == expected


def test_after_the_last_level_there_is_none_to_escalate_to() -> None:
    record = machine.escalate(fresh(), "anna", "", "executive", NOON).record
    with pytest.raises(Refused, match="executive is the last level"):
        machine.escalate(record, "anna", "", "", NOON)


def test_something_worse_asks_a_higher_level_and_never_a_lower_one() -> None:
    record = machine.raised(fresh(), "executive", "critical", NOON).record
    assert record.level == "executive"
    assert machine.raised(record, "team_lead", "medium", NOON) == (record, ())


def test_a_level_out_of_reach_is_left_and_the_last_one_has_its_time() -> None:
    record = machine.unreachable(fresh(), NOON).record
    assert record.level == "engineering_manager"
    last = machine.escalate(record, "anna", "", "executive", NOON).record
    assert machine.unreachable(last, NOON) == (last, ())
    assert machine.unreachable(acknowledged(), NOON) == (acknowledged(), ())


def test_other_rules_hold_from_now_on() -> None:
    record = machine.escalate(fresh(), "anna", "", "executive", NOON).record
    shorter = rules(names=("team_lead", "owner"), delay=MINUTE)
    changed, (event,) = machine.change_policy(record, shorter, "anna", "urgent", NOON)
    assert (changed.level, changed.due_at, event.kind) == ("owner", NOON + MINUTE, EventKind.POLICY_CHANGED)
    assert machine.change_policy(acknowledged(), shorter, "anna", "", NOON).record.due_at == NOON + MINUTE + 4 * HOUR
    with pytest.raises(Refused, match="by this policy already"):
        machine.change_policy(changed, shorter, "anna", "", NOON)


def test_a_decision_for_some_leaves_it_open() -> None:
    record, (event,) = machine.decided(acknowledged(), "anna", Decision.RETRY, "now", NOON)
    assert (record, event.message) == (acknowledged(), "retry: now")


@pytest.mark.parametrize(
    ("severity", "has_recurred", "level"),
    [
        (ErrorSeverity.LOW, False, None),
        (ErrorSeverity.LOW, True, None),
        (ErrorSeverity.MEDIUM, False, "team_lead"),
        (ErrorSeverity.MEDIUM, True, "engineering_manager"),
        (ErrorSeverity.HIGH, False, None),
        (ErrorSeverity.CRITICAL, False, "executive"),
        (ErrorSeverity.CRITICAL, True, "executive"),
    ],
)
def test_where_it_begins(severity: ErrorSeverity, has_recurred: bool, level: str | None) -> None:
    assert rules().entry_level(severity, has_recurred=has_recurred) == level


@pytest.mark.parametrize(
    ("word", "kind"),
    [("#oncall", "slack"), ("@anna", "slack"), ("U0ABCDEFG", "slack"), ("bo@acme.dev", "email"), ("bo", ""), ("", "")],
)
def test_whom_a_person_means(word: str, kind: str) -> None:
    found = target_of(word)
    assert (found.kind if found else "") == kind


def test_the_record_survives_a_history() -> None:
    for make in IN_STATE.values():
        assert EscalationRecord.model_validate_json(make().model_dump_json()) == make()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (fresh, "engineering manager is asked at 2026-11-23 13:00 UTC"),
        (lambda: fresh(repeats=1), "team lead is asked again at 2026-11-23 13:00 UTC"),
        (acknowledged, "team lead is asked again at 2026-11-23 16:01 UTC"),
        (snoozed, "team lead is asked again at 2026-11-23 14:01 UTC"),
        (lambda: machine.escalate(fresh(), "anna", "", "executive", NOON).record,
         "use fallback is decided at 2026-11-23 13:00 UTC, if nobody answers"),
        (lambda: machine.reassign(fresh(repeats=1), "anna", ONCALL, NOON).record,
         "#payments_oncall is asked again at 2026-11-23 13:00 UTC"),
        (resolved, ""),
    ],
)  # fmt: skip
def test_what_comes_next_in_words(make: Callable[[], EscalationRecord], expected: str) -> None:
    assert machine.next_step(make()) == expected


people = st.sampled_from(["anna", "bo"])
minutes = st.integers(0, 600).map(lambda count: count * MINUTE)


class WhateverPeopleSay(RuleBasedStateMachine):
    """In whatever order, at whatever time: something is always due while it is open, and the end stays the end."""

    @initialize(repeats=st.integers(0, 2))
    def begin(self, repeats: int) -> None:
        self.now = NOON
        self.record = fresh(repeats=repeats)
        self.events: list[Event] = []
        self.end: EscalationRecord | None = None

    def go(self, step: Callable[[], Step]) -> None:
        before = self.record
        try:
            self.record, events = step()
        except Refused:
            assert self.record == before
            return
        assert bool(events) or self.record == before
        self.events += events
        if not self.record.is_open:
            self.end = self.end or self.record

    @rule(wait=minutes)
    def time_passes(self, wait: timedelta) -> None:
        self.now += wait
        self.go(lambda: machine.tick(self.record, self.now))

    @rule()
    def what_is_due_happens(self) -> None:
        self.now = max(self.now, self.record.due_at or self.now)
        self.go(lambda: machine.tick(self.record, self.now))

    @rule(by=people)
    def somebody_acknowledges(self, by: str) -> None:
        self.go(lambda: machine.acknowledge(self.record, by, self.now))

    @rule(by=people, length=minutes)
    def somebody_snoozes(self, by: str, length: timedelta) -> None:
        self.go(lambda: machine.snooze(self.record, by, length + MINUTE, self.now))

    @rule(by=people, level=st.sampled_from(["", "pope", *NAMES]))
    def somebody_escalates(self, by: str, level: str) -> None:
        self.go(lambda: machine.escalate(self.record, by, "", level, self.now))

    @rule(by=people, to=st.sampled_from([BO, Target(kind="email", target="bo@acme.dev")]))
    def somebody_reassigns(self, by: str, to: Target) -> None:
        self.go(lambda: machine.reassign(self.record, by, to, self.now))

    @rule(by=people)
    def somebody_resolves(self, by: str) -> None:
        self.go(lambda: machine.resolve(self.record, by, Decision.SKIP, "", self.now))

    @rule()
    def nobody_can_be_reached(self) -> None:
        self.go(lambda: machine.unreachable(self.record, self.now))

    @invariant()
    def something_is_due_as_long_as_it_is_open(self) -> None:
        assert (self.record.due_at is not None) == self.record.is_open

    @invariant()
    def somebody_is_asked_or_holds_it(self) -> None:
        assert self.record.asked
        assert bool(self.record.holder) == (self.record.state in {State.ACKNOWLEDGED, State.SNOOZED}) or self.end

    @invariant()
    def the_end_stays(self) -> None:
        assert self.end is None or self.end == self.record

    @invariant()
    def what_happened_is_in_order(self) -> None:
        assert [event.at for event in self.events] == sorted(event.at for event in self.events)


WhateverPeopleSay.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestWhateverPeopleSay = WhateverPeopleSay.TestCase
