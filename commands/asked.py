"""The people that editions wait for: who was asked, and how to answer."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from pydantic import ValidationError
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from devsync.contracts.escalation import EscalationView
from devsync.domain.recovery.decision import Decision
from devsync.runtime.payload_codec import KeyMissing

Choices = Mapping[str, Sequence[Decision]]
"""By the id of an escalation: what can be decided there."""
Views = Mapping[str, EscalationView]

_PATIENCE: Final = timedelta(seconds=2)
_LOOK_SECONDS: Final = 2.0


async def views_of(client: Client, escalations: Iterable[str]) -> dict[str, EscalationView]:
    """All at the same time. Those are left out for which no worker answers, or in a way that cannot be read here."""
    ids = list(escalations)
    found = await asyncio.gather(*(_view(client, one) for one in ids))
    return {one: view for one, view in zip(ids, found, strict=True) if view is not None}


class Watched:
    """The escalations of one edition that somebody watches: looked at now and then, not with each of its steps."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._views: dict[str, EscalationView] = {}
        self._looked_at: frozenset[str] = frozenset()
        self._look_again_at = 0.0

    async def views(self, asked: Choices) -> Views:
        now = asyncio.get_running_loop().time()
        if asked.keys() != self._looked_at or (asked and now >= self._look_again_at):
            self._looked_at, self._look_again_at = frozenset(asked), now + _LOOK_SECONDS
            self._views |= await views_of(self._client, asked)
        return self._views


def asked_lines(asked: Choices, views: Views) -> Iterator[str]:
    """Two of each escalation that is not over: who was asked, and what to type."""
    for escalation, choices in asked.items():
        record = views[escalation].record if escalation in views else None
        if record is not None and not record.is_open:
            continue  # its answer is on its way
        whom = ""
        if record is not None:
            holder = f", {record.state.value} by {record.holder}" if record.holder else ""
            whom = f", {record.level} ({', '.join(target.target for target in record.asked)}){holder}"
        yield f"people are asked: {escalation}{whom}"
        decisions = f" ({', '.join(choices)})" if choices else ""
        yield f"  to answer: python starter.py escalation resolve {escalation} DECISION{decisions}"


async def _view(client: Client, escalation: str) -> EscalationView | None:
    handle = client.get_workflow_handle(escalation)
    try:
        view: EscalationView = await handle.query("state", result_type=EscalationView, rpc_timeout=_PATIENCE)
    except (RPCError, WorkflowQueryFailedError, KeyMissing, ValidationError):  # the last: one of another build
        return None
    return view
