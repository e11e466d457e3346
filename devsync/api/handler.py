"""`ChangelogErrorHandler`: what other programs do with an error, and what they ask of the product.

What the questions need is imported where they are asked: most programs have errors alone.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from devsync.api import tellings
from devsync.api.breakers import CircuitBreaker
from devsync.api.callbacks import Callback, Told, waited_for
from devsync.api.checks import expect, expect_or_none, name_of
from devsync.api.connection import Connection
from devsync.api.contexts import NOT_UNDERSTOOD, context_of
from devsync.api.core import Core, core_of
from devsync.api.measured import Measured, Monitored
from devsync.api.plans import operation_name, source_name
from devsync.api.shared import shared_by
from devsync.api.sources import OwnFunction, Source
from devsync.api.travelling import assessed
from devsync.api.unavailable import DevSyncUnavailable
from devsync.api.windows import ADVISED_BY, USUAL, Window, span_of
from devsync.contracts import names
from devsync.contracts.errors import ErrorRecord
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorContext, Failure, RecoveryResult
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.span import last
from devsync.settings.problems import ConfigError
from devsync.storage.connection import StorageError

RECOVERS_WITHIN: Final = timedelta(minutes=2)

_log = logging.getLogger("devsync.api")


class ChangelogErrorHandler:
    """Classifies a program's errors, puts them on record and has them recovered by a `Recovery` in Temporal.

    All handlers of a program share one connection; what is registered or measured by one is there for all of them. The
    callbacks are called with one dict each and never harm the program: see `devsync.api.callbacks`.
    """

    def __init__(
        self,
        monitoring_callback: Callback | None = None,
        alerting_callback: Callback | None = None,
        *,
        connection: Connection | None = None,
        recover_within: timedelta = RECOVERS_WITHIN,
        thresholds: Thresholds | None = None,
    ) -> None:
        """`connection` says what the environment does not. Connects to nothing. Raises ConfigError for an environment
        that cannot be used, and TypeError and ValueError for arguments that cannot."""
        expect_or_none("connection", connection, Connection)
        expect_or_none("thresholds", thresholds, Thresholds)
        expect("recover_within", recover_within, timedelta)
        if recover_within <= timedelta():
            raise ValueError("recover_within is no time at all; write a longer one")
        self._monitoring = Told("monitoring callback", monitoring_callback)
        self._alerting = Told("alerting callback", alerting_callback)
        self.core = core_of(connection)
        self._recover_within = recover_within
        self._own_thresholds = thresholds
        self._thresholds = thresholds or Thresholds()
        self._parts = shared_by(self.core)

    # Errors.

    async def handle_error(
        self, error: BaseException, context: Mapping[str, Any] | ErrorContext | None = None
    ) -> RecoveryResult:
        """Recovers what the error stopped; returns when there is something, or nothing is left to try.

        `context`: `service`, `operation`, `team_id`, `repository` or `project`, `iso_week`, `user_facing`, `critical`,
        `category`, `severity`, and whatever else helps; what of it cannot be read is told in the result's metadata, as
        `not_understood`. An error that is alike and handled already is recovered with it.

        Raises TypeError for an error, or a context, that is none; TemporalUnreachable, NamespaceUnusable, NoWorker,
        NotInTime, CalledOff, Closed, AfterFork: the error is on record, or on its way there, in any case but the last
        two.
        """
        known = context_of(error, context)
        failure = assessed(known)
        recovery_id = names.program_recovery_id(self.core.program, uuid4().hex)
        self.core.keep_error(_record(self.core, known, failure, recovery_id))
        home = asyncio.get_running_loop()
        result = await self.core.run(self._parts.recovered(known, failure, recovery_id, home, self._recover_within))
        alike = self._parts.quiet.count(failure.fingerprint, datetime.now(UTC)) if result.escalation_required else 0
        if wrong := known.metadata.get(NOT_UNDERSTOOD):
            result = result.model_copy(update={"metadata": {**result.metadata, NOT_UNDERSTOOD: wrong}})
        await waited_for(
            self._monitoring.tell(tellings.error(known, failure, result)),
            self._alerting.tell(tellings.alert(known, failure, result, alike)) if alike else None,
        )
        return result

    def register_fallback_data_source(self, service: str, callback: Source) -> None:
        """What stands in for the service's data: a function without arguments, or with the `ErrorContext` as its one,
        mostly async. It returns the data, or a `Fallback` that says how old it is; None is none. It is called while
        `handle_error` is awaited, in its loop. Raises TypeError and ValueError for a name, or a function, that is
        none."""
        service = name_of("service", service)
        source = OwnFunction(self.core, f"the fallback source of {service}", callback, ProvenanceKind.CACHED)
        self.core.steps.add(source_name(service), source)

    def register_operation(self, service: str, operation: str, callback: Source) -> None:
        """What `handle_error` repeats for an error of that service and operation: likewise. Without one, nothing is
        repeated."""
        service, operation = name_of("service", service), name_of("operation", operation)
        step = OwnFunction(self.core, f"{service}.{operation}", callback, ProvenanceKind.LIVE)
        self.core.steps.add(operation_name(service, operation), step)

    # Calls.

    def performance_monitor(self, operation: str, service: str | None = None) -> Monitored:
        """`async with`: how long the block takes and how it ends is measured and put on record, under a millisecond.
        Raises TypeError and ValueError for a name that is none."""
        service = name_of("service", service) if service is not None else names.PROGRAM
        return Monitored(name_of("operation", operation), service, self._measured)

    def get_circuit_breaker(self, service: str) -> CircuitBreaker:
        """The one of that service, the same each time. Raises TypeError and ValueError for a name that is none."""
        return self._parts.breaker(name_of("service", service))

    async def health_check(self) -> dict[str, Any]:
        """How healthy the whole is and why, with errors and performance of 24 hours, breakers, recommendations and the
        machine's numbers. A server that is away makes it `unknown` or worse and raises nothing. Raises Closed,
        AfterFork."""
        from devsync.api.health import health_document

        return await self.core.run(health_document(self.core, self._parts, self._own_thresholds))

    # Questions, which block for a second at most.

    def get_error_statistics(self, time_window: Window = USUAL) -> dict[str, Any]:
        """What is on record of the window: a duration until now, or two instants. With `as_of` and `age_seconds`: the
        last answer is given again where the records do not answer in time. Counts, and rates from 0 to 1: not a number
        where nothing was called.

        Raises ImpossibleSpan for an empty, negative or future window; DatabaseUnavailable, NotMigrated, NotInTime and
        ConfigError where there is no answer to give.
        """
        from devsync.api.records import errors_on_record

        span_of(time_window, datetime.now(UTC))  # refused at once, not on another thread

        async def ask() -> dict[str, Any]:
            return await errors_on_record(self.core, span_of(time_window, datetime.now(UTC)))

        return self._parts.snapshots.ask(f"errors {time_window!r}", ask)

    def get_performance_statistics(self) -> dict[str, Any]:
        """What this process has measured, of this moment, and `on_record` what all workers and programs have within 24
        hours: None where the records do not answer. Durations in seconds, rates from 0 to 1, memory in MiB."""
        return {**self._parts.measurements.statistics(), "callbacks": self.callbacks, "on_record": self._on_record()}

    def get_optimization_recommendations(self) -> list[dict[str, Any]]:
        """Which setting should be changed, each with its measured evidence; none without enough of it. Raises as
        `get_error_statistics` does."""
        from devsync.api.records import advice_on_record, recommendations_of

        async def ask() -> dict[str, Any]:
            advice = await advice_on_record(self.core, last(ADVISED_BY, datetime.now(UTC)), self._thresholds)
            return {"recommendations": recommendations_of(advice)}

        answer = self._parts.snapshots.ask("recommendations", ask)
        age = {"as_of": answer["as_of"], "age_seconds": answer["age_seconds"]}
        return [{**one, **age} for one in answer["recommendations"]]

    @property
    def callbacks(self) -> dict[str, dict[str, int]]:
        """How often each callback of this handler was told, failed, did not end in time, or was not called."""
        return {"monitoring": dict(self._monitoring.counts), "alerting": dict(self._alerting.counts)}

    def close(self) -> None:
        """Closes the connection that all handlers of the program share. Done at the program's end in any case."""
        self.core.close()

    # Parts.

    def _on_record(self) -> dict[str, Any] | None:
        from devsync.api.records import operations_on_record

        async def ask() -> dict[str, Any]:
            return {"operations": await operations_on_record(self.core, last(USUAL, datetime.now(UTC)))}

        try:
            return self._parts.snapshots.ask("operations", ask)
        except (StorageError, ConfigError, DevSyncUnavailable) as error:
            _log.info("performance on record cannot be told: %s", error)
            return None

    def _measured(self, measured: Measured) -> None:
        self._parts.measurements.add(measured)
        self._monitoring.tell(tellings.operation(measured))
        limit = self._thresholds.generation_time_seconds
        if measured.seconds > limit:
            self._alerting.tell(tellings.slow(measured, limit))


def _record(core: Core, context: ErrorContext, failure: Failure, recovery_id: str) -> ErrorRecord:
    return ErrorRecord(
        run_id=core.instance,
        activity_id=recovery_id.rpartition(":")[2],
        attempt=1,
        workflow_id=recovery_id,
        team=context.team_id,
        service=context.service,
        operation=context.operation,
        category=failure.category,
        severity=failure.severity,
        code=failure.code,
        fingerprint=failure.fingerprint,
        message=failure.message,
        occurred_at=datetime.now(UTC),
    )
