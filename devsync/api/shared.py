"""What all handlers of a program share beside the core: errors that are being recovered, breakers, measurements."""

import asyncio
import logging
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from devsync.api.breakers import CircuitBreaker
from devsync.api.contexts import OF_THE_UNIT, asked_of
from devsync.api.core import Core
from devsync.api.measured import Measurements
from devsync.api.plans import CACHED_ALONE, operation_name, plan_of_program, source_name
from devsync.api.quiet import Quiet
from devsync.api.recovering import Recovering, result_of
from devsync.api.serving import worker_of
from devsync.api.snapshots import Snapshots
from devsync.api.travelling import failed_unit
from devsync.contracts.recovery import EditionSources, RecoveryReport, RecoveryRequest
from devsync.domain.errors import ErrorContext, Failure, RecoveryResult
from devsync.domain.recovery.builtin import COLLECT, PROGRAM
from devsync.domain.recovery.choosing import plan_for
from devsync.runtime import policies
from devsync.settings.problems import ConfigError
from devsync.storage.connection import StorageError

if TYPE_CHECKING:
    from devsync.settings.configuration import Configuration

ALERTED_AGAIN: Final = timedelta(minutes=5)
"""Alike errors alert once within this time, however many there are."""

_log = logging.getLogger("devsync.api")


class Shared:
    """One a core; see `shared_by`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.measurements = Measurements(core)
        self.snapshots = Snapshots(core)
        self.quiet = Quiet(ALERTED_AGAIN)
        self._recovering = Recovering(core)
        self._under_way: dict[tuple[str, ...], asyncio.Task[RecoveryResult]] = {}
        self._lock = threading.Lock()
        self._breakers: dict[str, CircuitBreaker] = {}

    def breaker(self, service: str) -> CircuitBreaker:
        with self._lock:
            if service not in self._breakers:
                self._breakers[service] = CircuitBreaker(service, core=self._core)
            return self._breakers[service]

    @property
    def breakers(self) -> list[CircuitBreaker]:
        """Those that the program has asked for."""
        with self._lock:
            return list(self._breakers.values())

    # On the core's loop.

    async def recovered(
        self,
        context: ErrorContext,
        failure: Failure,
        recovery_id: str,
        home: asyncio.AbstractEventLoop,
        within: timedelta,
    ) -> RecoveryResult:
        """Errors about the same thing that come together are one recovery: thousands of them do not start thousands.
        A caller that stops waiting does not stop it."""
        key = self._about(context, failure)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._recover(context, failure, recovery_id, home, within))
            self._under_way[key] = task
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    def _about(self, context: ErrorContext, failure: Failure) -> tuple[str, ...]:
        """What two errors must have in common to be recovered by the same data."""
        own = operation_name(context.service, context.operation), source_name(context.service)
        is_told = any(getattr(self._core.steps.get(name), "takes_context", False) for name in own)
        said = context.metadata if is_told else {name: context.metadata.get(name) for name in OF_THE_UNIT}
        return failure.fingerprint, context.team_id, repr(sorted(said.items()))

    def _ended(self, key: tuple[str, ...], task: asyncio.Task[RecoveryResult]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it where nobody waits any more

    async def _recover(
        self,
        context: ErrorContext,
        failure: Failure,
        recovery_id: str,
        home: asyncio.AbstractEventLoop,
        within: timedelta,
    ) -> RecoveryResult:
        request = await self.request(context, failure, recovery_id, within)
        _, result = await self.followed(request, failure, recovery_id, home)
        return result

    async def followed(
        self, request: RecoveryRequest, failure: Failure, recovery_id: str, home: asyncio.AbstractEventLoop
    ) -> tuple[RecoveryReport, RecoveryResult]:
        """What a Recovery of that request came to. The program's own code runs on the loop `home`. Raises what
        `Recovering.recover` does."""
        if any(step.task_queue and step.arguments for step in request.plan.steps):
            await worker_of(self._core).serve()
        self._core.waiting[recovery_id] = home
        try:
            report = await self._recovering.recover(request, recovery_id)
            return report, await self._result(report, failure)
        finally:
            self._core.waiting.pop(recovery_id, None)
            self._core.kept.pop(recovery_id, None)

    async def _result(self, report: RecoveryReport, failure: Failure) -> RecoveryResult:
        try:
            data, as_of = await self._recovering.data_of(report)
        except StorageError as error:
            result = result_of(report, failure, None, None, datetime.now(UTC))
            words = f"{result.message}; what stands in cannot be read: {error}"
            return result.model_copy(update={"success": False, "message": words})
        return result_of(report, failure, data, as_of, datetime.now(UTC))

    async def request(
        self, context: ErrorContext, failure: Failure, recovery_id: str, within: timedelta
    ) -> RecoveryRequest:
        """By what the program has registered, and what the product knows of the same source and window."""
        configuration = await self._configuration()
        now = datetime.now(UTC)
        team = configuration.teams.get(context.team_id) if configuration else None
        asked = asked_of(context, team, now, recovery_id)
        configured = None
        if asked.ask is not None:
            plans = configuration.recovery.plans if configuration else (CACHED_ALONE,)
            configured = plan_for(plans, context.service, COLLECT, [failure])
        plan = plan_of_program(
            self._core.program,
            context.service,
            context.operation,
            has_operation=operation_name(context.service, context.operation) in self._core.steps,
            has_source=source_name(context.service) in self._core.steps,
            configured=configured,
        )
        return RecoveryRequest(
            team=context.team_id,
            iso_week=asked.iso_week,
            service=context.service,
            phase=PROGRAM,
            window=asked.window,
            plan=plan,
            units=(failed_unit(context, failure, asked.unit).model_copy(update={"ask": asked.ask}),),
            sources=EditionSources(
                mirrors=team.github.mirrors if team and team.github else {},
                status_pages=configuration.services.status_pages if configuration else {},
            ),
            deadline=now + within,
            policies=policies.PROGRAM,
            program=self._core.program,
            escalation=team.escalation if team else "default",
        )

    async def _configuration(self) -> "Configuration | None":
        """A file that is wrong keeps no error from being recovered."""
        try:
            return await self._core.configuration()
        except ConfigError as error:
            _log.warning("the configuration cannot be read, and errors are recovered without it: %s", error)
            return None


_shared: WeakKeyDictionary[Core, Shared] = WeakKeyDictionary()
_lock = threading.Lock()


def shared_by(core: Core) -> Shared:
    with _lock:
        if core not in _shared:
            _shared[core] = Shared(core)
        return _shared[core]
