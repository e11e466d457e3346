"""What the steps of recovery share: each works on all failed units at once, and tells of each what became of it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError, FailureError

from activities.clients.beats import WAKE_SECONDS
from activities.collection import TimeIsUp
from devsync.contracts.activities import ActivityContract
from devsync.contracts.artifacts import INLINE_BUDGET
from devsync.contracts.collection import UnitCollected
from devsync.contracts.names import LOCAL
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.errors import ErrorCategory, ErrorContext, Failure, assessed
from devsync.runtime.classification import assess
from devsync.runtime.failures.verdict import Verdict
from devsync.settings.problems import ConfigError

Heal = Callable[[FailedUnit, datetime], UnitCollected | None]
"""What stands in for the unit, or the live data after all; None where there is nothing. Raises where it failed. It has
until the given instant."""

RESERVE = timedelta(seconds=2)
"""How much of a step's time is kept for its answer, a fifth at most: an answer that is too late has healed nothing. In
the first half of it threads end that look at the time; those that cannot are left behind."""

LONGEST_LIST = 3
"""How many units a message names at most; of the others it says how many there are."""


TOO_MUCH = Verdict(
    category=ErrorCategory.DATABASE,
    says="collected, but our own store was away and all sources together are too large to carry",
    code="too_much",
    is_retryable=True,
)


@dataclass
class Tally:
    """What one step did so far."""

    healed: dict[str, UnitCollected] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    """As they were raised, by unit."""

    @property
    def refusal(self) -> Failure | None:
        """The latest of those that say when the service may be called again; no call was made for them."""
        refusals = [failure for failure in self.failures.values() if failure.retry_at is not None]
        return max(refusals, key=attrgetter("retry_at"), default=None)

    def result(self, did: str, units: Sequence[FailedUnit], *, notes: Iterable[str] = ()) -> StepResult:
        """The answer of a step that repeats the failed operation; `did` begins its sentence: "asked GitHub again".

        Raises the error that stopped every unit, where it is one and the same: then the step has done nothing, and
        may be tried again. A refusal of the breaker is no such error; it tells each unit when to come back.
        """
        if self._is_one_error and len(self.errors) == len(units):
            raise next(iter(self.errors.values()))
        self._leave_out_what_is_too_much()
        whys = list(dict.fromkeys(failure.message for failure in self.failures.values()))
        return StepResult(
            healed=tuple(self.healed[unit.unit] for unit in units if unit.unit in self.healed),
            failures=self.failures,
            message="; ".join([f"{did}: {self._told(units)}", *notes, *whys[:LONGEST_LIST]]),
            attempts=activity.info().attempt,
        )

    def result_of_stand_in(self, did: str, units: Sequence[FailedUnit], *, notes: Iterable[str] = ()) -> StepResult:
        """Likewise, of a step that asks somebody else: why that one failed is told, but is no news of the source."""
        return self.result(did, units, notes=notes).model_copy(update={"failures": {}})

    def _leave_out_what_is_too_much(self) -> None:
        """While the store is away units carry their data, and one answer must not pass Temporal's limit of 2 MB."""
        excess = sum(unit.artifact.inline_size for unit in self.healed.values()) - INLINE_BUDGET
        for unit in sorted(self.healed.values(), key=lambda unit: (-unit.artifact.inline_size, unit.unit)):
            if excess <= 0:
                break
            excess -= unit.artifact.inline_size
            del self.healed[unit.unit]
            self.failures[unit.unit] = TOO_MUCH.failure(LOCAL)

    @property
    def _is_one_error(self) -> bool:
        kinds = {(failure.category, failure.code) for failure in self.failures.values()}
        return len(kinds) == 1 and self.refusal is None

    def _told(self, units: Sequence[FailedUnit]) -> str:
        if not self.healed:
            return f"nothing for {named(unit.unit for unit in units)}"
        if len(self.healed) == len(units):
            return named(self.healed)
        missing = named(unit.unit for unit in units if unit.unit not in self.healed)
        return f"{named(self.healed)}, but not {missing}"


def heal_each(
    request: StepRequest,
    heal: Heal,
    contract: ActivityContract[Any, Any],
    *,
    at_once: int,
    probes_first: bool = False,
) -> Tally:
    """Heals the request's units in parallel, in threads of their own that have the activity's context.

    Call it from the activity's thread. Failures are classified as those of `contract`, the operation that is done for
    each unit, so that alike failures have one fingerprint whoever asked. What is not done when the time is up has
    failed; the rest counts. With `probes_first`, where the breaker had refused the units, as many go first as it lets
    try, and while it goes on refusing, the rest is not asked. Work that was handed back at a shutdown, and a
    cancellation, end the step.
    """
    now = datetime.now(UTC)
    reserve = min(RESERVE, max(request.until - now, timedelta()) / 5)
    until, answer_by = request.until - reserve, request.until - reserve / 2
    work = _Work(heal, contract, request.team, at_once, until, answer_by, Tally())
    probes = _probes_allowed(request.units) if probes_first else 0
    first, rest = (request.units[:probes], request.units[probes:]) if probes else (request.units, ())
    work.do(first)
    refusal = work.tally.refusal
    if refusal is None:
        work.do(rest)
    else:
        work.tally.failures |= {unit.unit: refusal for unit in rest}
    return work.tally


def _probes_allowed(units: Sequence[FailedUnit]) -> int:
    return max((unit.failure.probes_allowed for unit in units if unit.failure.retry_at is not None), default=0)


@dataclass(frozen=True)
class _Work:
    heal: Heal
    contract: ActivityContract[Any, Any]
    team: str
    at_once: int
    until: datetime
    answer_by: datetime
    tally: Tally

    def do(self, units: Sequence[FailedUnit]) -> None:
        if not units:
            return
        pool = ThreadPoolExecutor(min(self.at_once, len(units)), thread_name_prefix="step")
        try:
            waiting = {pool.submit(copy_context().run, self.heal, unit, self.until): unit.unit for unit in units}
            while waiting:
                patience = min((self.answer_by - datetime.now(UTC)).total_seconds(), WAKE_SECONDS)
                done, _ = wait(waiting, timeout=max(patience, 0), return_when=FIRST_COMPLETED)
                if activity.is_cancelled():
                    raise CancelledError("the step is cancelled")
                activity.heartbeat(len(self.tally.healed))
                for future in done:
                    self._take(waiting.pop(future), future)
                if not done and datetime.now(UTC) >= self.answer_by:
                    break
            for unit in waiting.values():
                self._failed(unit, TimeIsUp(f"no time is left for {unit}"))
        finally:
            # Those under way end at their next call; nobody waits for what they bring.
            pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, unit: str, future: Future[UnitCollected | None]) -> None:
        try:
            found = future.result()
        except ApplicationError as error:
            if not (error.details and isinstance(error.details[0], Failure)):
                raise  # handed back
            self.tally.errors[unit] = error
            self.tally.failures[unit] = assessed(error.details[0], self._context(error))
        except FailureError:
            raise
        except Exception as error:  # noqa: BLE001 (classified, for the next step)
            self._failed(unit, error)
        else:
            if found is not None:
                self.tally.healed[unit] = found

    def _failed(self, unit: str, error: Exception) -> None:
        self.tally.errors[unit] = error
        self.tally.failures[unit] = assess(self._context(error), datetime.now(UTC))

    def _context(self, error: Exception) -> ErrorContext:
        return ErrorContext(
            error=error, service=self.contract.service, operation=self.contract.operation, team_id=self.team
        )


def stands_in(
    collected: UnitCollected, kind: ProvenanceKind, as_of: datetime | None, *notes: str, **changes: Any
) -> UnitCollected:
    """The unit with where its data comes from, and what an operator should know of it."""
    provenance = Provenance(kind=kind, as_of=as_of)
    return collected.model_copy(update={"provenance": provenance, "notes": (*collected.notes, *notes), **changes})


def choice_of(request: StepRequest, name: str, known: Sequence[str]) -> str:
    """What the plan's step says of `name` under `with:`, empty where it says nothing. Raises ConfigError."""
    value = request.arguments.get(name, "")
    if value and value not in known:
        raise ConfigError([f"the recovery step {request.step} has {name}: {value!r}; write one of {', '.join(known)}"])
    return str(value)


def named(units: Iterable[str]) -> str:
    """For a sentence: the units by name, or how many there are."""
    listed = list(units)
    return ", ".join(listed) if len(listed) <= LONGEST_LIST else f"{len(listed)} units"


def age(as_of: datetime, now: datetime) -> str:
    """How old it is, for a sentence: `5 min`, `3 h`, `2 days`."""
    old = max(now - as_of, timedelta())
    if old < timedelta(hours=1):
        return f"{int(old.total_seconds() // 60)} min"
    hours = int(old.total_seconds() // 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
