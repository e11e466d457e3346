"""The breaker's entity on the real server: what it takes, what it refuses, what it shows, what it writes down."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.breaker import (
    BreakerSnapshot,
    BreakerStart,
    Decision,
    ModeDecision,
    ProbeResult,
    ReportBatch,
)
from devsync.domain.breaker import Event, Mode, Outcome, State
from devsync.runtime.breaker.operations import BreakerRefused
from devsync.storage.breakers import BreakerTransitions
from tests.e2e.stage import eventually
from tests.workflows.breaker_stage import BreakerStage

pytestmark = pytest.mark.timeout(120)


async def test_it_opens_probes_and_closes_and_every_step_is_on_record(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=3, recovery_timeout="1s")
    async with breaker.worker():
        await breaker.start()
        one = breaker.reporter()
        await one.report(failures=3, last_failure="503 from GET /repos/acme/ledger/pulls")
        opened = await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)
        assert opened.standing.reason == "3 failures in 15 min, last: 503 from GET /repos/acme/ledger/pulls"
        half_open = await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
        assert opened.standing.retry_at is not None
        assert half_open.standing.changed_at >= opened.standing.retry_at
        probes = await one.probes(9)
        assert len(probes.leases) == 5
        await one.settle(*(ProbeResult(lease_id=lease.id, outcome=Outcome.SUCCESS) for lease in probes.leases))
        closed = await breaker.until(lambda snapshot: snapshot.standing.state is State.CLOSED)
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
    recorded = await BreakerTransitions(breaker.database).latest(breaker.service, limit=100)
    assert recorded == list(closed.transitions)
    assert [one.event for one in recorded] == [Event.CONFIGURED, Event.OPENED, Event.HALF_OPENED, Event.CLOSED]


async def test_gates_read_where_it_stands_from_the_memo_and_lists_from_the_search_attribute(
    breaker: BreakerStage,
) -> None:
    async with breaker.worker():
        await breaker.start()
        decision = ModeDecision(by="anna", reason="maintenance", until=datetime.now(UTC) + timedelta(hours=1))
        standing = await breaker.operations.decide(breaker.service, "force_open", decision)

        async def is_listed() -> bool:
            query = f'BreakerState = "forced_open" AND Service = "{breaker.service}"'
            return [run.id async for run in breaker.client.list_workflows(query)] == [names.breaker_id(breaker.service)]

        await eventually(is_listed)
    # No worker is needed to read it.
    assert (await breaker.operations.standings())[breaker.service] == standing
    assert (standing.state, standing.mode, standing.actor) == (State.OPEN, Mode.FORCED_OPEN, "anna")
    assert standing.retry_at == standing.mode_until == decision.until


async def test_the_web_ui_explains_the_state(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=3)
    async with breaker.worker():
        await breaker.start()
        await breaker.reporter().report(failures=3, last_failure="503 from GET /<script>|*bold*")
        standing = (await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)).standing
        details = await breaker.details()
    assert standing.retry_at is not None
    assert f"### {breaker.service} is open: calls are refused" in details
    assert (
        f"Open since {standing.changed_at:%Y-%m-%d %H:%M:%S} UTC: 3 failures in 15 min, last: 503 from GET" in details
    )
    assert f"Next probe at {standing.retry_at:%Y-%m-%d %H:%M:%S} UTC" in details
    assert "\\<script\\>\\|\\*bold\\*" in details


async def test_a_report_that_comes_again_counts_once(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        one = breaker.reporter()
        batches = [await one.report(failures=1), await one.report(successes=2)]
        for batch in [*batches, batches[0]]:
            await breaker.send(batch)
        snapshot = await breaker.until(lambda snapshot: snapshot.duplicates == 3)
    assert (snapshot.reports, snapshot.counts.calls, snapshot.counts.failures) == (2, 3, 1)


async def test_a_report_of_an_older_generation_is_counted_as_such_and_changes_nothing(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        await breaker.operations.decide(breaker.service, "reset", Decision(by="anna", reason="healed"))
        await breaker.reporter().report(generation=0, failures=100)
        snapshot = await breaker.until(lambda snapshot: snapshot.reports == 1)
    assert snapshot.standing.state is State.CLOSED
    assert snapshot.totals.of_other_generations == 100


NONSENSE: list[tuple[str, list[Any], str]] = [
    ("report", [], "report: not a message of a breaker, or not with so many arguments"),
    ("report", [1, 2], "report: not a message of a breaker, or not with so many arguments"),
    ("report", [None], "report: not a ReportBatch"),
    ("report", ["nonsense"], "report: Input should be an object"),
    ("report", [b"\x00\xff"], "report: not a ReportBatch"),
    ("report", [{"reporter": "a", "sequence": 1}], "report: service: Field required"),
    ("report", [{"service": "x", "reporter": "a", "sequence": 1}], "report: about x"),
    ("report", [{"service": "SERVICE", "reporter": "a", "sequence": -1}], "report: sequence: Input should be greater"),
    (
        "report",
        [{"service": "SERVICE", "reporter": "a", "sequence": 1, "outcomes": {"failures": 10**18}}],
        "report: outcomes.failures: Input should be less than or equal to 1000000",
    ),
    (
        "report",
        [{"service": "SERVICE", "reporter": "a", "sequence": 1, "outcomes": {"latest": "2026-11-23T12:00:00"}}],
        "report: outcomes.latest: Input should have timezone info",
    ),
    ("read_rules", ["now"], "read_rules: Input should be an object"),
    ("force-open", [{"by": "anna"}], "force-open: not a message of a breaker, or not with so many arguments"),
]


async def test_signals_without_sense_are_recorded_as_refused_and_do_no_harm(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        for number, (signal, arguments, expected) in enumerate(NONSENSE, 1):
            ours = [one | {"service": breaker.service} if _names_it(one) else one for one in arguments]
            await breaker.handle.signal(signal, args=ours)
            snapshot = await breaker.until(_has_refused(number))
            assert expected in snapshot.refused[-1]
        await breaker.reporter().report(failures=1)
        snapshot = await breaker.until(lambda snapshot: snapshot.reports == 1)
    assert (snapshot.counts.failures, snapshot.standing.state) == (1, State.CLOSED)
    assert len(snapshot.refused) == 10, "of many refusals the last are kept"


def _has_refused(number: int) -> Callable[[BreakerSnapshot], bool]:
    return lambda snapshot: snapshot.refused_count == number


def _names_it(argument: Any) -> bool:
    return isinstance(argument, dict) and argument.get("service") == "SERVICE"


REFUSED: list[tuple[str, list[Any], str]] = [
    ("force_open", [], "missing 1 required positional argument"),
    ("force_open", [{}, {}], "takes 2 positional arguments but 3 were given"),
    ("force_open", ["soon"], "Input should be an object"),
    ("force_open", [{"by": "anna"}], "reason: Field required"),
    ("force_open", [{"by": " ", "reason": "x"}], "by: String should have at least 1 character"),
    ("force_open", [{"by": "anna", "reason": "x", "until": "2020-01-01T00:00:00Z"}], "is not in the future"),
    ("force_open", [{"by": "anna", "reason": "x", "until": "9999-01-01T00:00:00Z"}], "more than 366 days away"),
    ("force_open", [{"by": "anna", "reason": "x", "until": "2026-12-01T00:00:00"}], "should have timezone info"),
    (
        "force_open",
        [{"by": "anna", "reason": "x", "untl": "2027-01-01T00:00:00Z"}],
        "untl: not known here; there are by, reason, generation, until",
    ),
    ("force_close", [1], "Input should be an object"),
    ("disable", [1], "Input should be an object"),
    ("metrics_only", [1], "Input should be an object"),
    ("reset", [1], "Input should be an object"),
    ("reset", [], "missing 1 required positional argument"),
    ("configure", [], "missing 1 required positional argument"),
    ("configure", [{"by": "anna", "reason": "x"}], "config: Field required"),
    (
        "configure",
        [{"by": "anna", "reason": "x", "config": {"failure_threshold": 0}}],
        "config.failure_threshold: Input should be greater than 0",
    ),
    (
        "configure",
        [{"by": "anna", "reason": "x", "config": {"recovery_timeout_growth": 2}}],
        "nothing bounds the growth; add recovery_timeout_maximum",
    ),
    ("acquire_probe", [], "missing 1 required positional argument"),
    ("acquire_probe", [{"reporter": "", "wanted": 1}], "Failed decoding arguments"),
    ("acquire_probe", [{"reporter": "a", "wanted": 0}], "Failed decoding arguments"),
    ("open_sesame", [{"by": "anna"}], "Update handler for 'open_sesame' expected but not found"),
]


async def test_updates_without_sense_are_refused_with_the_cure_and_leave_no_trace(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
        before = (await breaker.snapshot(), len((await breaker.handle.fetch_history()).events))
        for update, arguments, expected in REFUSED:
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await breaker.handle.execute_update(update, args=arguments)
            assert isinstance(refused.value.cause, ApplicationError)
            assert expected in refused.value.cause.message, update
        assert (await breaker.snapshot(), len((await breaker.handle.fetch_history()).events)) == before


async def test_an_operator_is_told_why_a_decision_is_refused(breaker: BreakerStage) -> None:
    past = ModeDecision(by="anna", reason="x", until=datetime.now(UTC) - timedelta(hours=1))
    async with breaker.worker():
        with pytest.raises(BreakerRefused, match=r"^until: .* is not in the future; give a later time, or none$"):
            await breaker.operations.decide(breaker.service, "force_open", past)


async def test_who_decides_about_what_stands_there_no_more_is_told_what_does(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        seen = (await breaker.snapshot()).standing.generation
        first = ModeDecision(by="anna", reason="a move", generation=seen)
        await breaker.operations.decide(breaker.service, "force_open", first)
        for update in ("force_close", "disable", "metrics_only"):
            late = ModeDecision(by="ben", reason="it works", generation=seen)
            with pytest.raises(BreakerRefused, match=r"^something else stands there by now: forced open .*\(anna\)$"):
                await breaker.operations.decide(breaker.service, update, late)
        with pytest.raises(BreakerRefused, match=r"\(anna\)$"):
            await breaker.operations.decide(
                breaker.service, "reset", Decision(by="ben", reason="it works", generation=seen)
            )
        now = (await breaker.snapshot()).standing
        assert (now.mode, now.actor) == (Mode.FORCED_OPEN, "anna")
        again = Decision(by="ben", reason="it works", generation=now.generation)
        assert (await breaker.operations.decide(breaker.service, "reset", again)).actor == "ben"


async def test_each_decision_takes_effect_with_its_actor_and_its_reason(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        for update, mode in (
            ("force_open", Mode.FORCED_OPEN),
            ("force_close", Mode.FORCED_CLOSED),
            ("disable", Mode.DISABLED),
            ("metrics_only", Mode.METRICS_ONLY),
        ):
            decision = ModeDecision(by="anna", reason=f"why {update}")
            standing = await breaker.operations.decide(breaker.service, update, decision)
            assert (standing.mode, standing.actor, standing.reason) == (mode, "anna", f"why {update}")
        standing = await breaker.operations.decide(breaker.service, "reset", Decision(by="ben", reason="over"))
        assert (standing.mode, standing.actor, standing.generation) == (Mode.NORMAL, "ben", 5)
        snapshot = await breaker.snapshot()
    assert [(one.event, one.actor) for one in snapshot.transitions[-2:]] == [
        (Event.METRICS_ONLY, "anna"),
        (Event.RESET, "ben"),
    ]


async def test_a_mode_ends_by_itself(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        decision = ModeDecision(by="anna", reason="a moment", until=datetime.now(UTC) + timedelta(seconds=2))
        await breaker.operations.decide(breaker.service, "force_open", decision)
        snapshot = await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
    assert snapshot.transitions[-1].event is Event.MODE_ENDED


async def test_who_gets_no_probe_is_told_when_to_come_back(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=1, half_open_max_calls=1, recovery_timeout="2s")
    async with breaker.worker():
        await breaker.start()
        one, two = breaker.reporter(), breaker.reporter()
        assert (await one.probes()).retry_at is None, "closed: no lease is needed"
        await one.report(failures=1)
        opened = (await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)).standing
        answer = await one.probes()
        assert answer.leases == ()
        assert opened.retry_at is not None
        assert answer.retry_at is not None
        assert timedelta(0) <= answer.retry_at - opened.retry_at <= timedelta(seconds=1)
        await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
        assert len((await one.probes()).leases) == 1
        busy = await two.probes()
        assert (busy.leases, busy.retry_at is not None) == ((), True)


async def test_a_lost_answer_is_given_again_also_by_the_next_run(breaker: BreakerStage) -> None:
    breaker.declare(half_open_max_calls=2, probe_lease="10m")
    async with breaker.worker():
        await breaker.start()
        until = datetime.now(UTC) + timedelta(seconds=1)
        decision = ModeDecision(by="anna", reason="a moment", until=until)
        await breaker.operations.decide(breaker.service, "force_open", decision)
        await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
        one = breaker.reporter()
        first = await one.probes(2, asking="one asking")
        await breaker.until_new_run()
        assert (await one.probes(2, asking="one asking")).leases == first.leases
        assert (await one.probes(2)).leases == ()
    assert len(first.leases) == 2


async def test_an_entity_under_another_id_ends_at_once(breaker: BreakerStage) -> None:
    """Gates would read a second standing of the same service."""
    async with breaker.worker():
        with pytest.raises(WorkflowFailureError) as failure:
            await breaker.client.execute_workflow(
                names.CIRCUIT_BREAKER,
                BreakerStart(service=breaker.service),
                id="another",
                task_queue=names.CONTROL_QUEUE,
                start_signal="report",
                start_signal_args=[ReportBatch(service=breaker.service, reporter="a", sequence=1)],
            )
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.message.startswith(f"another is not the breaker of {breaker.service}")
    assert breaker.service not in await breaker.operations.standings()


async def test_a_terminated_entity_comes_back_with_the_next_report(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=3)
    async with breaker.worker():
        await breaker.start()
        await breaker.operations.decide(breaker.service, "reset", Decision(by="anna", reason="generation 1"))
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
        await breaker.handle.terminate("by mistake")
        await breaker.reporter().report(generation=1, failures=3)
        snapshot = await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)
        assert snapshot.standing.generation == 2
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
    recorded = await BreakerTransitions(breaker.database).latest(breaker.service, limit=100)
    assert [one.event for one in recorded] == [
        Event.CONFIGURED, Event.RESET, Event.CONFIGURED, Event.OPENED,
    ]  # fmt: skip


async def test_a_breaker_goes_on_while_the_database_is_away_and_writes_later(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
    away = breaker.without_database()
    async with away.worker():
        await away.operations.decide(away.service, "force_open", ModeDecision(by="anna", reason="maintenance"))
        await away.operations.decide(away.service, "reset", Decision(by="anna", reason="over"))
        await away.until_new_run()
        assert (await away.snapshot()).unrecorded == 2
    async with breaker.worker():
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
    recorded = await BreakerTransitions(breaker.database).latest(breaker.service, limit=2)
    assert [one.event for one in recorded] == [Event.FORCED_OPEN, Event.RESET]
