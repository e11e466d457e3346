"""The shared memory of one service's breaker: takes reports, lends probes, and shows everybody where it stands."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.breaker import (
    AskProbe,
    BreakerSnapshot,
    BreakerStart,
    Configure,
    Decision,
    ProbeAnswer,
    ReadBreakerSettings,
    ReportBatch,
)
from devsync.domain.breaker import Breaker, BreakerConfig, BreakerRecord, Event, Standing, Transition, admission
from devsync.domain.breaker.journal import Journal
from devsync.domain.breaker.reports import SeenReports
from devsync.domain.breaker.standing import worth_asking_again
from devsync.runtime.policies import ENTITY, call
from workflows.breaker.clock import until_the_next_tick
from workflows.breaker.quiet_moment import Heard, until_a_quiet_moment
from workflows.breaker.records import keep_records
from workflows.breaker.release import Release, keep_releasing
from workflows.breaker.shown import Shown, show
from workflows.shared.failures import failure_of
from workflows.shared.messages import RefusedMessages, decision, message, mode_decision, refused

CONFIGURATION = "config/services.yaml"
"""Who sets the rules of a new breaker."""
ENDS_A_NO = (Event.CLOSED, Event.PAUSE_ENDED)
"""By itself. (Half-open, it lets probes out, for whoever comes first.)"""
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
        config = start.config or BreakerConfig()
        self._breaker = Breaker(start.record or BreakerRecord.fresh(start.service, config, workflow.now()))
        is_new = start.record is None
        self._rules_due = Decision(by=CONFIGURATION, reason="a new breaker") if is_new else start.rules_due
        self._seen = SeenReports(start.reporters, taken=start.reports, duplicates=start.duplicates)
        self._journal = Journal(start.journal)
        self._refused = RefusedMessages(start.refused, start.refused_count)
        self._release = Release(is_due=start.release_due)
        self._shown = Shown()
        self._heard = Heard()
        self._random = workflow.new_random("probe-retry")
        self._mistake = _foreign_id(start.service)

    @workflow.run
    async def run(self, start: BreakerStart) -> None:
        if not self._mistake:
            workflow.upsert_search_attributes([names.SERVICE.value_set(start.service)])
        recording = keep_records(self._service, self._journal, self._shown.again)
        work = (self._read_the_rules(), recording, self._keep_shown(), keep_releasing(self._service, self._release))
        background = [asyncio.create_task(each) for each in work]
        while not self._is_over():
            self._let_time_pass()
            await until_the_next_tick(self._breaker, self._is_over)
            for task in background:
                if task.done():
                    task.result()  # a bug there must not go unseen
        if self._mistake:
            raise ApplicationError(self._mistake, type="NoSuchBreaker", non_retryable=True)
        await until_a_quiet_moment(self._heard, self._let_time_pass)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._carried())

    # What workers say and ask.

    @workflow.signal(description="What one worker's calls came to, a `ReportBatch`; sent by workers, not by people")
    def report(self, raw: RawValue) -> None:
        self._hear()
        try:
            batch = message(raw, ReportBatch)
        except ApplicationError as error:
            self._refused.add("report", error.message)
            return
        if batch.service != self._service:
            self._refused.add("report", f"about {batch.service}")
            return
        if not self._seen.take(batch.reporter, batch.sequence, workflow.now()):
            return
        now = self._let_time_pass()
        happened = self._breaker.record(batch.outcomes, batch.generation, now)
        for probe in batch.probes:
            happened += self._breaker.settle(probe.lease_id, probe.outcome, now, probe.failure)
        if batch.pause_until is not None:
            happened += self._breaker.pause(batch.pause_until, batch.pause_reason, now)
        self._happened(happened)

    @workflow.update(description="Leases for probes while half-open; asked for by workers, not by people")
    def acquire_probe(self, ask: AskProbe) -> ProbeAnswer:
        self._hear()
        now = self._let_time_pass()
        # The id of the update outlives continue-as-new in the leases; Temporal's own memory of it does not.
        update = workflow.current_update_info()
        leases = self._breaker.acquire(ask.wanted, ask.reporter, now, request=update.id if update else "")
        return ProbeAnswer(
            leases=tuple(leases),
            retry_at=None if leases else worth_asking_again(self._breaker.standing, now, self._random.random),
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
        wish = decision(raw, Decision)
        return self._decided(lambda now: self._breaker.reset(wish.reason, wish.by, now))

    @workflow.update(description="Other rules; sent by `breaker configure` and `apply`")
    def configure(self, raw: RawValue) -> Standing:
        self._hear()
        wish = decision(raw, Configure)
        self._rules_due = None
        return self._configure(wish.config, wish)

    # Each update has a validator: it also refuses a wrong number of arguments, which could wedge a workflow task.

    @force_open.validator
    def _may_force_open(self, raw: RawValue) -> None:
        self._check(mode_decision(raw))

    @force_close.validator
    def _may_force_close(self, raw: RawValue) -> None:
        self._check(mode_decision(raw))

    @disable.validator
    def _may_disable(self, raw: RawValue) -> None:
        self._check(mode_decision(raw))

    @metrics_only.validator
    def _may_count_only(self, raw: RawValue) -> None:
        self._check(mode_decision(raw))

    @reset.validator
    def _may_reset(self, raw: RawValue) -> None:
        self._check(decision(raw, Decision))

    @configure.validator
    def _may_configure(self, raw: RawValue) -> None:
        self._check(decision(raw, Configure))

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
            reports=self._seen.taken,
            duplicates=self._seen.duplicates,
            refused=self._refused.last,
            refused_count=self._refused.count,
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
            self._refused.add("read_rules", error.message)

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the breaker goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._hear()
        self._refused.add(name, "not a message of a breaker, or not with so many arguments")

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

    async def _keep_shown(self) -> None:
        """Once for all that one workflow task has brought."""
        while not self._mistake:
            await workflow.wait_condition(lambda: self._shown.is_due)
            show(self._shown, self.snapshot(), self._seen.heard_lately(workflow.now()))

    # How it is done.

    def _is_over(self) -> bool:
        return bool(self._mistake) or workflow.info().is_continue_as_new_suggested()

    def _check(self, wish: Decision) -> None:
        """Of two who decide at once the first one wins, and the second is told what stands there now."""
        standing = self._breaker.standing
        if wish.generation is not None and wish.generation != standing.generation:
            now = f"{standing.label.replace('_', ' ')} since {standing.changed_at:%H:%M:%S} UTC"
            raise refused(f"something else stands there by now: {now}, {standing.reason} ({standing.actor})")

    def _enter(self, decide: Decide, raw: RawValue) -> Standing:
        self._hear()
        wish = mode_decision(raw)
        return self._decided(lambda now: decide(wish.until, wish.reason, wish.by, now))

    def _decided(self, decide: Callable[[datetime], list[Transition]]) -> Standing:
        now = self._let_time_pass()
        were_refused = admission(self._breaker.standing, now).is_refused
        standing = self._happened(decide(now))
        self._release.is_due |= were_refused and not admission(standing, now).is_refused
        return standing

    def _configure(self, config: BreakerConfig, wish: Decision) -> Standing:
        return self._happened(self._breaker.configure(config, wish.by, self._let_time_pass(), wish.reason))

    def _hear(self) -> None:
        self._heard.one()
        self._shown.again()

    def _let_time_pass(self) -> datetime:
        """What is due by now happens first. Returns now."""
        now = workflow.now()
        self._happened(self._breaker.tick(now))
        return now

    def _happened(self, transitions: Sequence[Transition]) -> Standing:
        self._journal.add(transitions)
        may_call = any(transition.event in ENDS_A_NO for transition in transitions)
        if may_call and not admission(self._breaker.standing, workflow.now()).is_refused:
            self._release.is_due = True  # who waits without an instant, as an amendment does, need not wait on
        self._shown.again()
        return self._breaker.standing

    def _carried(self) -> BreakerStart:
        return BreakerStart(
            service=self._service,
            record=self._breaker.to_record(),
            rules_due=self._rules_due,
            reporters=self._seen.memories,
            journal=self._journal.to_record(),
            reports=self._seen.taken,
            duplicates=self._seen.duplicates,
            refused=self._refused.last,
            refused_count=self._refused.count,
            release_due=self._release.is_due or self._release.is_under_way,
        )


def _foreign_id(service: str) -> str:
    """Why this run must end: a second entity of the same service would tell the gates something else."""
    expected = names.breaker_id(service)
    actual = workflow.info().workflow_id
    return "" if actual == expected else f"{actual} is not the breaker of {service}; its id is {expected}"
