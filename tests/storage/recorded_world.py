"""The scripted world of `tests.domain.insight.world`, written down as a worker and its workflows would have done it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, cast

from activities.records import RecordActivities
from devsync.contracts import names
from devsync.contracts.edition import EditionResult, EditionStatus, Phase, RecordEdition
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.breaker import BREAKER, Event, Mode, State, Transition
from devsync.domain.errors import ErrorSeverity
from devsync.domain.fingerprint import fingerprint
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from tests.domain.insight.world import LOOKUPS, START, Call, Edition, Opening, World

BATCH = 1_000
_NOTHING_ASKED_OF_TEMPORAL = cast(Any, None)
_OPERATIONS = {"email": "send_edition", "calendar": "collect", "jira": "collect_project"}


async def write(world: World, database: Database) -> None:
    """Everything of it, by what writes records in the product."""
    errors, operations = Errors(database), Operations(database)
    for batch in _batches(list(_attempts(world))):
        await operations.write([attempt for attempt, _ in batch])
        await errors.write([_error(attempt, call) for attempt, call in batch if call.failed_by])
    records = RecordActivities(_NOTHING_ASKED_OF_TEMPORAL, ArtifactStore(database), database)
    for edition in world.editions:
        await records.record_edition(_record(edition))
    numbers: dict[str, int] = defaultdict(lambda: 1)
    for opening in world.openings:
        transitions = list(_transitions(opening))
        await BreakerTransitions(database).write(opening.service, "entity", numbers[opening.service], transitions)
        numbers[opening.service] += len(transitions)


def _batches(told: Sequence[tuple[OperationRecord, Call]]) -> Iterator[Sequence[tuple[OperationRecord, Call]]]:
    for first in range(0, len(told), BATCH):
        yield told[first : first + BATCH]


def _attempts(world: World) -> Iterator[tuple[OperationRecord, Call]]:
    """One for each call. Those of an edition end one after the other while it collects."""
    editions = {(edition.team, edition.week): edition for edition in world.editions}
    own: dict[tuple[str, int, str], list[Call]] = defaultdict(list)
    for number, call in enumerate(world.calls):
        if call.at.hour == 15:
            run = f"{names.refresh_id(call.team)}-{call.at:%Y-%m-%dT%H:%M:%SZ}"
            yield _attempt(run, number, call, call.at), call
        else:
            own[call.team, (call.at - START) // timedelta(weeks=1), call.service].append(call)
    for (team, week, service), calls in own.items():
        edition = editions[team, week]
        for number, call in enumerate(calls):
            share = number / max(len(calls) - 1, 1)
            spent = call.seconds + (edition.collecting - call.seconds) * share
            ended_at = edition.began + timedelta(seconds=spent)
            attempt = _attempt(names.edition_id(team, _week(edition)), number, call, ended_at)
            if service == "github":
                looked = number < edition.hits if number < LOOKUPS else None
                changes = {"peak_memory_mb": edition.peak_mb, "was_remembered": looked}
                attempt = attempt.model_copy(update=changes)
            yield attempt, call


def _attempt(workflow_id: str, number: int, call: Call, ended_at: datetime) -> OperationRecord:
    return OperationRecord(
        workflow_id=workflow_id,
        run_id=f"run of {workflow_id}",
        activity_id=f"{call.service}-{number}",
        attempt=1,
        kind=OperationKind.ATTEMPT,
        team=call.team,
        service=call.service,
        operation=_OPERATIONS.get(call.service, "collect_repository"),
        ended_at=ended_at,
        seconds=call.seconds,
        succeeded=call.failed_by is None,
        api_calls=1,
        api_seconds=call.seconds,
    )


def _error(attempt: OperationRecord, call: Call) -> ErrorRecord:
    assert call.failed_by is not None
    message = f"{call.service} failed: {call.failed_by.value}"
    return ErrorRecord(
        run_id=attempt.run_id,
        activity_id=attempt.activity_id,
        attempt=attempt.attempt,
        workflow_id=attempt.workflow_id,
        team=attempt.team,
        service=attempt.service,
        operation=attempt.operation,
        category=call.failed_by,
        severity=ErrorSeverity.MEDIUM,
        code="",
        fingerprint=fingerprint(call.failed_by.value, call.service, attempt.operation, message),
        message=message,
        occurred_at=call.at,
    )


def _record(edition: Edition) -> RecordEdition:
    workflow_id = names.edition_id(edition.team, _week(edition))
    rest = edition.seconds - edition.collecting
    return RecordEdition(
        result=EditionResult(
            team=edition.team,
            iso_week=_week(edition),
            status=EditionStatus.COMPLETE,
            revision=1,
            completeness=1,
            item_count=1,
            unclassified_ratio=0,
            workflow_id=workflow_id,
            run_id=f"run of {workflow_id}",
            seconds={"total": edition.seconds, "collect": edition.collecting, "compose": rest},
        ),
        ended_in=Phase.RECORDING,
        started_at=edition.began,
        ended_at=edition.began + timedelta(seconds=edition.seconds),
    )


def _week(edition: Edition) -> str:
    year, week, _ = (edition.began - timedelta(weeks=1)).isocalendar()
    return f"{year}-W{week:02}"


def _transitions(opening: Opening) -> Iterator[Transition]:
    states = [State.CLOSED, State.OPEN]
    for _ in range(opening.failed_recoveries):
        states += [State.HALF_OPEN, State.OPEN]
    states += [State.HALF_OPEN, State.CLOSED]
    events = {State.OPEN: Event.OPENED, State.HALF_OPEN: Event.HALF_OPENED, State.CLOSED: Event.CLOSED}
    step = (opening.until - opening.at) / len(states)
    for number, (before, after) in enumerate(pairwise(states)):
        yield Transition(
            at=opening.at + number * step,
            event=events[after],
            from_state=before,
            to_state=after,
            mode=Mode.NORMAL,
            reason="as scripted",
            actor=BREAKER,
            generation=number,
        )
