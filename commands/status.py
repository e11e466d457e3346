"""`status`: the editions that run or ran lately, as Temporal knows them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from textwrap import shorten
from typing import Any

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from commands.asked import asked_lines, views_of
from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.documents import channel_document
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.edition import ChannelResult, EditionProgress, EditionResult, EditionStatus
from devsync.domain.changelog.edition import Gap, ProvenanceKind
from devsync.domain.recovery.decision import Decision
from devsync.rendering.wording import what_stands_in
from devsync.runtime.causes import root_cause
from devsync.runtime.connection import connect
from devsync.runtime.payload_codec import KeyMissing

_LIMIT = 20
_WIDEST_WORDS = 80
_MOST_UNITS = 3
_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True)
class RunState:
    """What a run says of itself."""

    now: str = ""
    """What it does, or why it does nothing; empty for one that ended well."""
    gaps: tuple[Gap, ...] = ()
    asked: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    """Escalations whose answer it waits for, with what can be decided there."""
    revision: int = 0
    """Of the edition that the channels get."""
    channels: tuple[ChannelResult, ...] = ()
    amended: str = ""
    """Of a partial edition: what its week is now, `partial` or `complete`; empty where no amendment tells."""

    @property
    def is_whole_now(self) -> bool:
        return self.amended == EditionStatus.COMPLETE.value


@command
async def status(as_json: AsJson = False) -> Exit:
    """Show running and recent editions: phase, what is missing, channels."""
    client = await connect()
    runs = await runs_of(client)
    if as_json:
        emit({"runs": [_document(execution, state) for execution, state in runs]})
        return Exit.OK
    if not runs:
        output().print("no edition has run yet; start one: python starter.py run TEAM")
        return Exit.OK
    table = Table(
        *("workflow", "state", "edition", "started (UTC)", "now", "missing", "stands in", "channels"),
        box=None, pad_edge=False,
    )  # fmt: skip
    for execution, state in runs:
        cells = (
            execution.id,
            _status(execution).name.lower(),
            f"{_edition_status(execution)}, now complete" if state.is_whole_now else _edition_status(execution),
            f"{execution.start_time:%Y-%m-%d %H:%M}",
            shorten(state.now, _WIDEST_WORDS),
            *(("", "") if state.is_whole_now else (_missing(state.gaps), _standing_in(state.gaps))),
            ", ".join(f"{channel.channel} {channel.state.value}" for channel in state.channels),
        )
        table.add_row(*map(Text, cells))
    print_whole(table)
    asked = {escalation: choices for _, state in runs for escalation, choices in state.asked.items()}
    for line in asked_lines(asked, await views_of(client, asked)):
        output().print(line, markup=False, soft_wrap=True)
    return Exit.OK


async def runs_of(client: Client) -> list[tuple[WorkflowExecution, RunState]]:
    """The newest editions and deliveries. All are asked at the same time: each waits for a worker that may be away."""
    query = f"WorkflowType IN ('{names.WEEKLY_CHANGELOG}', '{names.DELIVERY}')"
    executions = [execution async for execution in client.list_workflows(query, limit=_LIMIT)]
    states = await asyncio.gather(*(_state(client, execution) for execution in executions))
    amended, queued = await asyncio.gather(_amended(client, executions), _queued(client, executions, states))
    return [
        (
            execution,
            replace(
                state,
                amended=amended.get(execution.id, ""),
                channels=tuple(
                    channel_now(one, state.revision, queued.get(_delivery_id(execution, one))) for one in state.channels
                ),
            ),
        )
        for execution, state in zip(executions, states, strict=True)
    ]


async def _queued(
    client: Client, executions: Sequence[WorkflowExecution], states: Sequence[RunState]
) -> dict[str, RunState]:
    """By the id of a Delivery: where it stands now, of those of which an edition knows only that they were queued."""
    ids = [
        _delivery_id(execution, channel)
        for execution, state in zip(executions, states, strict=True)
        for channel in state.channels
        if _is_queued(channel)
    ]
    if not ids:
        return {}
    newest: dict[str, WorkflowExecution] = {}
    async for delivery in client.list_workflows(_with_ids(ids)):  # the newest first
        newest.setdefault(delivery.id, delivery)
    now = await asyncio.gather(*(_state(client, delivery) for delivery in newest.values()))
    return dict(zip(newest, now, strict=True))


def channel_now(channel: ChannelResult, revision: int, delivery: RunState | None) -> ChannelResult:
    """Of one that was queued: as its Delivery tells it, where that has come to an end with this revision, or a later
    one."""
    if delivery is None or delivery.revision < revision or not _is_queued(channel):
        return channel
    for one in delivery.channels:
        if one.state is not DeliveryState.PENDING:
            return channel.model_copy(update={"state": one.state, "message_id": one.message_id, "reason": one.reason})
    return channel


def _is_queued(channel: ChannelResult) -> bool:
    return channel.state is DeliveryState.QUEUED and bool(channel.key)


def _delivery_id(execution: WorkflowExecution, channel: ChannelResult) -> str:
    return names.delivery_id(*_week_of(execution), channel.key)


def _week_of(execution: WorkflowExecution) -> tuple[str, str]:
    """Team and week."""
    attributes = execution.typed_search_attributes
    return attributes.get(names.TEAM) or "", attributes.get(names.ISO_WEEK) or ""


def _with_ids(ids: Iterable[str]) -> str:
    listed = ", ".join(f"'{workflow_id}'" for workflow_id in ids)
    return f"WorkflowId IN ({listed})"


async def _amended(client: Client, executions: Sequence[WorkflowExecution]) -> dict[str, str]:
    """By the id of a partial edition: what its week is now, as the newest amendment of the week says."""
    editions = {}
    for execution in executions:
        team, iso_week = _week_of(execution)
        is_partial = _edition_status(execution) == EditionStatus.PARTIAL.value
        if is_partial and execution.id == names.edition_id(team, iso_week):
            editions[names.amendment_id(team, iso_week)] = execution.id
    if not editions:
        return {}
    found: dict[str, str] = {}
    async for amendment in client.list_workflows(_with_ids(editions)):  # the newest first
        found.setdefault(editions[amendment.id], _edition_status(amendment))
    return found


async def _state(client: Client, execution: WorkflowExecution) -> RunState:
    """Where it stands, or why nobody can tell."""
    try:
        return await _told_state(client, execution)
    except WorkflowQueryFailedError:
        return RunState("stuck: the workers' build cannot go on with its history")
    except WorkflowFailureError as error:
        return RunState(root_cause(error))
    except ValidationError:
        return RunState("what it says cannot be read: another version made it")
    except KeyMissing as error:
        return RunState(f"what it says cannot be read: it is {error}")
    except RPCError:
        return RunState("no worker answers" if _is_open(execution) else "forgotten by the server")


async def _told_state(client: Client, execution: WorkflowExecution) -> RunState:
    """Of a run that is open from its query, which needs a worker; of a closed one from its result."""
    is_edition = execution.workflow_type == names.WEEKLY_CHANGELOG
    handle = client.get_workflow_handle(
        execution.id, run_id=execution.run_id, result_type=EditionResult if is_edition else DeliveryOutcome
    )
    if not _is_open(execution):
        result = await handle.result(follow_runs=False, rpc_timeout=_PATIENCE)
        return _delivery_state(result) if isinstance(result, DeliveryOutcome) else _edition_state(result)
    if is_edition:
        progress = await handle.query("progress", result_type=EditionProgress, rpc_timeout=_PATIENCE)
        return RunState(
            _doing(progress),
            progress.gaps,
            asked=progress.asked,
            revision=progress.revision,
            channels=progress.channels,
        )
    return _delivery_state(await handle.query("outcome", result_type=DeliveryOutcome, rpc_timeout=_PATIENCE))


def _is_open(execution: WorkflowExecution) -> bool:
    return _status(execution) is WorkflowExecutionStatus.RUNNING


def _doing(progress: EditionProgress) -> str:
    """`collect, 2 of 6 sources, people are asked, recovers github (collect)`."""
    done = f"{progress.phase.value}, {len(progress.units_done)} of {progress.units_total} sources"
    recovers = [f"recovers {one.told}" for one in progress.recoveries if one.is_running]
    asks = ["people are asked"] if progress.asked else []
    return ", ".join([done, *asks, *recovers])


def _edition_state(result: EditionResult) -> RunState:
    return RunState(gaps=result.gaps, revision=result.revision, channels=result.channels)


def _delivery_state(outcome: DeliveryOutcome) -> RunState:
    return RunState(
        revision=outcome.revision,
        channels=(
            ChannelResult(
                channel=outcome.channel,
                key=outcome.channel,
                kind=outcome.kind,
                state=outcome.state,
                message_id=outcome.message_id or None,
                reason=outcome.reason,
            ),
        ),
    )


def _document(execution: WorkflowExecution, state: RunState) -> dict[str, Any]:
    return {
        "workflow_id": execution.id,
        "run_id": execution.run_id,
        "type": execution.workflow_type,
        "state": _status(execution).name.lower(),
        "edition_status": _edition_status(execution),
        "amended_to": state.amended,
        "started": execution.start_time.isoformat(timespec="seconds"),
        "now": state.now,
        "asked": {escalation: list(choices) for escalation, choices in state.asked.items()},
        "gaps": [gap.model_dump(mode="json") for gap in state.gaps],
        "channels": [channel_document(channel) for channel in state.channels],
    }


def _status(execution: WorkflowExecution) -> WorkflowExecutionStatus:
    return execution.status or WorkflowExecutionStatus.RUNNING


def _edition_status(execution: WorkflowExecution) -> str:
    return str(execution.typed_search_attributes.get(names.EDITION_STATUS) or "")


def _missing(gaps: Sequence[Gap]) -> str:
    return _first(gap.unit for gap in gaps if not what_stands_in(gap))


def _standing_in(gaps: Sequence[Gap]) -> str:
    """`cached: github:acme/ledger, github:acme/web; mirror: github:acme/api`."""
    units: dict[str, list[str]] = {}
    for gap in gaps:
        if what_stands_in(gap):
            units.setdefault((gap.stand_in or ProvenanceKind.CACHED).value, []).append(gap.unit)
    return "; ".join(f"{kind}: {_first(names)}" for kind, names in units.items())


def _first(units: Iterable[str]) -> str:
    """Of many, the first ones."""
    shown = list(units)
    rest = [f"and {len(shown) - _MOST_UNITS} more"] if len(shown) > _MOST_UNITS else []
    return ", ".join([*shown[:_MOST_UNITS], *rest])
