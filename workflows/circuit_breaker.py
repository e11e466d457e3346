"""The shared memory of one service's breaker: takes reports, lends probes, and shows everybody where it stands."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.breaker import (
        CONFIG_MEMO,
        REPORTERS_MEMO,
        STANDING_MEMO,
        AskProbe,
        BreakerSnapshot,
        BreakerStart,
        Configure,
        Decision,
        ProbeAnswer,
        ReadBreakerSettings,
        RecordBreaker,
        ReportBatch,
    )
    from devsync.domain.breaker import (
        Breaker,
        BreakerConfig,
        BreakerRecord,
        Standing,
        State,
        Transition,
        admission,
    )
    from devsync.domain.breaker.journal import Journal
    from devsync.domain.breaker.reports import SeenReports
    from devsync.runtime.policies import ENTITY, call
    from workflows.breaker_messages import decision, message, mode_decision
    from workflows.breaker_story import breaker_story, next_tick
    from workflows.failures import failure_of

CONFIGURATION = "config/services.yaml"
"""Who sets the rules of a new breaker."""
RECORDED_AT_ONCE = 100
REFUSED_SHOWN = 10
REFUSED_LENGTH = 200
QUIET_MOMENT = timedelta(milliseconds=50)
WHILE_ALL_PROBES_ARE_OUT = timedelta(seconds=1)
SPREAD = timedelta(seconds=1)
"""Over so long those that got no probe come back, so that they do not come as one."""

Decide = Callable[[datetime | None, str, str, datetime], list[Transition]]


@workflow.defn(name=names.CIRCUIT_BREAKER)
class CircuitBreaker:
    """One entity a service, for as long as the service is used.

    The rules are the pure machine's (`devsync.domain.breaker`); here are its clock, its messages, and its memory over
    restarts. No handler waits: a report or a decision takes effect within one workflow task, and none is under way
    when continue-as-new cuts the history.
    """

    @workflow.init
    def __init__(self, start: BreakerStart) -> None:
        self._service = start.service
        self._breaker = Breaker(
            start.record or BreakerRecord.fresh(start.service, BreakerConfig(), workflow.now()),
        )
        is_new = start.record is None
        self._rules_due = Decision(by=CONFIGURATION, reason="a new breaker") if is_new else start.rules_due
        self._seen = SeenReports(start.reporters)
        self._journal = Journal(start.journal)
        self._reports = start.reports
        self._duplicates = start.duplicates
        self._refused = start.refused
        self._refused_count = start.refused_count
        self._memo: dict[str, object] = {}
        self._label = ""
        self._is_shown = False
        self._heard = (0, 0)
        self._random = workflow.new_random("probe-retry")
        self._mistake = _foreign_id(start.service)

    @workflow.run
    async def run(self, start: BreakerStart) -> None:
        if not self._mistake:
            workflow.upsert_search_attributes([names.SERVICE.value_set(start.service)])
        work = (self._read_the_rules(), self._keep_records(), self._keep_shown())
        background = [asyncio.create_task(each) for each in work]
        while not self._mistake and not workflow.info().is_continue_as_new_suggested():
            self._happened(self._breaker.tick(workflow.now()))
            await self._until_something_is_due(background)
        if self._mistake:
            raise ApplicationError(self._mistake, type="NoSuchBreaker", non_retryable=True)
        await self._until_a_quiet_moment()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._carried())

    # What workers say and ask.

    @workflow.signal(description="What one worker's calls came to, a `ReportBatch`; sent by workers, not by people")
    def report(self, raw: RawValue) -> None:
        self._hear()
        try:
            batch = message(raw, ReportBatch)
        except ApplicationError as error:
            self._refuse("report", error.message)
            return
        if batch.service != self._service:
            self._refuse("report", f"about {batch.service}")
            return
        now = workflow.now()
        if not self._seen.take(batch.reporter, batch.sequence, now):
            self._duplicates += 1
            return
        self._reports += 1
        happened = self._breaker.tick(now)
        happened += self._breaker.record(batch.outcomes, batch.generation, now)
        for probe in batch.probes:
            happened += self._breaker.settle(probe.lease_id, probe.outcome, now, probe.failure)
        if batch.pause_until is not None:
            happened += self._breaker.pause(batch.pause_until, batch.pause_reason, now)
        self._happened(happened)

    @workflow.update(description="Leases for probes while half-open; asked for by workers, not by people")
    def acquire_probe(self, ask: AskProbe) -> ProbeAnswer:
        self._hear()
        now = workflow.now()
        self._happened(self._breaker.tick(now))
        # The id of the update outlives continue-as-new in the leases; Temporal's own memory of it does not.
        update = workflow.current_update_info()
        leases = self._breaker.acquire(ask.wanted, ask.reporter, now, request=update.id if update else "")
        return ProbeAnswer(
            leases=tuple(leases),
            retry_at=None if leases else self._worth_asking_again(now),
            standing=self._breaker.standing,
        )

    # What operators decide, typed by hand in the Web UI or sent by the command line: raw values, so that a refusal can
    # say what is wrong. A refused update leaves no trace in the history.

    @workflow.update(description='Refuse all calls: {"by": "anna", "reason": "…", "until": "2026-11-30T18:00:00Z"}')
    def force_open(self, raw: RawValue) -> Standing:
        return self._enter(self._breaker.force_open, raw)

    @workflow.update(description='Let all calls through, whatever fails: {"by": …, "reason": …, "until": …}')
    def force_close(self, raw: RawValue) -> Standing:
        return self._enter(self._breaker.force_close, raw)

    @workflow.update(description='Let all calls through and count nothing: {"by": …, "reason": …, "until": …}')
    def disable(self, raw: RawValue) -> Standing:
        return self._enter(self._breaker.disable, raw)

    @workflow.update(description='Count, but open nothing: {"by": …, "reason": …, "until": …}')
    def metrics_only(self, raw: RawValue) -> Standing:
        return self._enter(self._breaker.metrics_only, raw)

    @workflow.update(description='Closed, no mode, no pause, nothing counted: {"by": "anna", "reason": "…"}')
    def reset(self, raw: RawValue) -> Standing:
        self._hear()
        wish, now = decision(raw, Decision), workflow.now()
        happened = self._breaker.tick(now)
        happened += self._breaker.reset(wish.reason, wish.by, now)
        return self._happened(happened)

    @workflow.update(description="Other rules; sent by `breaker configure` and `apply`")
    def configure(self, raw: RawValue) -> Standing:
        self._hear()
        wish = decision(raw, Configure)
        self._rules_due = None
        return self._configure(wish.config, wish)

    # Each update has a validator: it also refuses a wrong number of arguments, which could wedge a workflow task.

    @force_open.validator
    def _may_force_open(self, raw: RawValue) -> None:
        mode_decision(raw)

    @force_close.validator
    def _may_force_close(self, raw: RawValue) -> None:
        mode_decision(raw)

    @disable.validator
    def _may_disable(self, raw: RawValue) -> None:
        mode_decision(raw)

    @metrics_only.validator
    def _may_count_only(self, raw: RawValue) -> None:
        mode_decision(raw)

    @reset.validator
    def _may_reset(self, raw: RawValue) -> None:
        decision(raw, Decision)

    @configure.validator
    def _may_configure(self, raw: RawValue) -> None:
        decision(raw, Configure)

    @acquire_probe.validator
    def _may_ask(self, ask: AskProbe) -> None: ...

    # What everybody may ask, and what nobody needs to send.

    @workflow.query(description="Where it stands, why, by which rules, and what happened")
    def snapshot(self) -> BreakerSnapshot:
        record, journal = self._breaker.to_record(), self._journal
        return BreakerSnapshot(
            standing=record.standing,
            config=record.config,
            counts=self._breaker.tally(workflow.now()),
            last_failure=record.last_failure,
            leases=record.leases,
            probe_successes=record.probe_successes,
            transitions=journal.recent,
            totals=record.totals,
            reports=self._reports,
            duplicates=self._duplicates,
            refused=self._refused,
            refused_count=self._refused_count,
            unrecorded=len(journal.unrecorded),
            records_lost=journal.lost,
            is_configured=self._rules_due is None,
        )

    @workflow.signal(description='Read the rules from config/services.yaml again: {"by": "anna", "reason": "…"}')
    def read_rules(self, raw: RawValue) -> None:
        self._hear()
        try:
            self._rules_due = decision(raw, Decision)
        except ApplicationError as error:
            self._refuse("read_rules", error.message)

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the breaker goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._hear()
        self._refuse(name, "not a message of a breaker, or not with so many arguments")

    # In the background.

    async def _read_the_rules(self) -> None:
        """When somebody wants it, and once for a new breaker, which goes by the defaults until then."""
        while not self._mistake:
            await workflow.wait_condition(lambda: self._rules_due is not None)
            due = self._rules_due
            try:
                read = await call(
                    activities.BREAKER_SETTINGS,
                    ReadBreakerSettings(service=self._service),
                    ENTITY,
                    summary=f"The rules for {self._service}, until config/ can be read",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                self._mistake = failure_of(error).message
                return
            if due is not None and self._rules_due is due:  # else somebody has sent other rules, or asks again
                self._rules_due = None
                self._configure(read.config, due)

    async def _keep_records(self) -> None:
        """Whatever the database does, the breaker goes on; what is not written yet crosses continue-as-new."""
        while True:
            await workflow.wait_condition(lambda: bool(self._journal.unrecorded))
            first, batch = self._journal.first_unrecorded, self._journal.unrecorded[:RECORDED_AT_ONCE]
            record = RecordBreaker(
                service=self._service,
                entity=workflow.info().first_execution_run_id,
                first_number=first,
                transitions=batch,
            )
            are_lost = False
            try:
                await call(activities.RECORD_BREAKER, record, ENTITY, summary=f"Record: {batch[-1].event.value}")
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.error("events of the breaker are lost to the records: %s", failure_of(error).message)
                are_lost = True
            self._journal.recorded(first + len(batch) - 1, are_lost=are_lost)
            self._is_shown = False

    async def _keep_shown(self) -> None:
        """Once for all that one workflow task has brought: the memo is what gates read, the rest is for people."""
        while not self._mistake:
            await workflow.wait_condition(lambda: not self._is_shown)
            self._is_shown = True
            standing = self._breaker.standing
            self._show_in_memo(STANDING_MEMO, standing)
            self._show_in_memo(CONFIG_MEMO, self._breaker.config)
            self._show_reporters()
            if standing.label != self._label:
                self._label = standing.label
                workflow.upsert_search_attributes([names.BREAKER_STATE.value_set(standing.label)])
            workflow.set_current_details(breaker_story(self.snapshot()))

    # How it is done.

    async def _until_something_is_due(self, background: Iterable["asyncio.Task[None]"]) -> None:
        """Sleeps until the machine's next tick. One timer for all that is waited for, replaced only by an earlier one:
        a report must not cost timer events."""
        armed_for = self._breaker.next_tick_at
        wait = None if armed_for is None else armed_for - workflow.now()

        def is_over() -> bool:
            due = self._breaker.next_tick_at
            is_sooner = due is not None and (armed_for is None or due < armed_for)
            return bool(is_sooner or self._mistake or workflow.info().is_continue_as_new_suggested())

        with suppress(TimeoutError):
            await workflow.wait_condition(
                is_over,
                timeout=wait,
                timeout_summary=None if armed_for is None else next_tick(self._breaker.standing, armed_for),
            )
        for task in background:
            if task.done():
                task.result()  # a bug there must not go unseen

    def _enter(self, decide: Decide, raw: RawValue) -> Standing:
        self._hear()
        wish, now = mode_decision(raw), workflow.now()
        happened = self._breaker.tick(now)
        happened += decide(wish.until, wish.reason, wish.by, now)
        return self._happened(happened)

    def _configure(self, config: BreakerConfig, wish: Decision) -> Standing:
        now = workflow.now()
        happened = self._breaker.tick(now)
        happened += self._breaker.configure(config, wish.by, now, wish.reason)
        return self._happened(happened)

    async def _until_a_quiet_moment(self) -> None:
        """Until a workflow task that brought few messages.

        The server rejects continue-as-new when a message came during the task, and the worker has to replay the whole
        history before it can try again: for longer than the next message takes to come, so that under load each try
        would fail and make the history longer. What such a try brings are the messages that made the last one fail.
        So a task with messages is just done, and the next one, which needs no replay, is over in milliseconds. Each
        try puts up with one message more.
        """
        tries, pulse = 0, self._pulse()
        while True:
            task = workflow.info().get_current_history_length()
            await workflow.wait_condition(partial(_is_another_task, task))
            self._happened(self._breaker.tick(workflow.now()))
            if self._messages_of(workflow.info().get_current_history_length()) <= tries:
                return
            tries += 1
            pulse = self._pulse() if pulse.done() else pulse

    def _pulse(self) -> "asyncio.Task[None]":
        """Soon one more workflow task, also if nobody says anything."""
        return asyncio.create_task(workflow.sleep(QUIET_MOMENT, summary="A quiet moment to continue as new"))

    def _hear(self) -> None:
        task = workflow.info().get_current_history_length()
        self._heard = (task, self._messages_of(task) + 1)
        self._is_shown = False

    def _messages_of(self, task: int) -> int:
        """How many messages came with this workflow task, known by the length of the history."""
        heard_in, count = self._heard
        return count if heard_in == task else 0

    def _worth_asking_again(self, now: datetime) -> datetime | None:
        """None where waiting alone will not help: calls go out without a lease, or somebody must decide."""
        standing = self._breaker.standing
        verdict = admission(standing, now)
        if standing.state is State.CLOSED and not verdict.is_refused:
            return None
        if verdict.is_refused and verdict.until is None:
            return None
        return (verdict.until or now + WHILE_ALL_PROBES_ARE_OUT) + SPREAD * self._random.random()

    def _refuse(self, message: str, why: str) -> None:
        self._refused_count += 1
        said = f"{workflow.now():%Y-%m-%d %H:%M:%S} {message}: {why}"[:REFUSED_LENGTH]
        self._refused = (*self._refused, said)[-REFUSED_SHOWN:]

    def _happened(self, transitions: Iterable[Transition]) -> Standing:
        self._journal.add(transitions)
        self._is_shown = False
        return self._breaker.standing

    def _show_in_memo(self, key: str, value: object) -> None:
        if self._memo.get(key) != value:
            self._memo[key] = value
            workflow.upsert_memo({key: value})

    def _show_reporters(self) -> None:
        """More at once, fewer only when it is many fewer: processes that come and go must not fill the history."""
        count, shown = self._seen.heard_lately(workflow.now()), self._memo.get(REPORTERS_MEMO)
        if not isinstance(shown, int) or count > shown or count * 4 <= shown:
            self._show_in_memo(REPORTERS_MEMO, count)

    def _carried(self) -> BreakerStart:
        return BreakerStart(
            service=self._service,
            record=self._breaker.to_record(),
            rules_due=self._rules_due,
            reporters=self._seen.memories,
            journal=self._journal.to_record(),
            reports=self._reports,
            duplicates=self._duplicates,
            refused=self._refused,
            refused_count=self._refused_count,
        )


def _is_another_task(than: int) -> bool:
    return workflow.info().get_current_history_length() != than


def _foreign_id(service: str) -> str:
    """Why this run must end: a second entity of the same service would tell the gates something else."""
    expected = names.breaker_id(service)
    actual = workflow.info().workflow_id
    return "" if actual == expected else f"{actual} is not the breaker of {service}; its id is {expected}"
