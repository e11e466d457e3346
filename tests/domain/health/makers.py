"""Small snapshots: a healthy one, and what each test changes in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devsync.domain.breaker import Standing, State
from devsync.domain.health.snapshot import DueEdition, EditionRun, ServiceWindow, Snapshot
from devsync.domain.insight.span import Span

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def calls(service: str = "github", failures: int = 0, of: int = 100, **more: Any) -> ServiceWindow:
    return ServiceWindow(service=service, attempts=of, failures=failures, **more)


def breaker(service: str = "github", state: State = State.CLOSED, reason: str = "") -> Standing:
    return Standing(service=service, state=state, reason=reason, actor="breaker", changed_at=NOW, probes_allowed=5)


def run(team: str = "payments", seconds: float = 20, memory: float | None = 200) -> EditionRun:
    return EditionRun(team=team, iso_week="2026-W47", seconds=seconds, peak_memory_mb=memory)


def due(team: str = "payments", late: timedelta = HOUR, **more: Any) -> DueEdition:
    return DueEdition(team=team, iso_week="2026-W47", deadline=NOW - late, **more)


def snapshot(**parts: Any) -> Snapshot:
    """Everything was read, and nothing is wrong but what is named."""
    read = {"services": (calls(),), "breakers": (breaker(),), "editions": (run(),), "due": (), "recommendations": ()}
    return Snapshot(window=Span(start=NOW - HOUR, end=NOW), **{**read, **parts})
