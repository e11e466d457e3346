"""From what a program knows of its error, a dict or an `ErrorContext`, to what the product calls the same."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfoNotFoundError

from devsync.contracts import names
from devsync.contracts.collection import CollectProject, CollectRepository
from devsync.domain.changelog.window import Window, last_week_ended_by, week_window
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity
from devsync.settings.team import TeamConfig
from devsync.storage.upsert import storable

E = TypeVar("E", bound=StrEnum)

UNKNOWN_SERVICE: Final = names.PROGRAM
"""Of an error that was handed over without a service: the program's own work."""

OF_THE_UNIT: Final = ("repository", "project", "iso_week")
"""Names in the metadata that say which data it is about."""

_LONGEST: Final = 200
_OF_THE_CONTEXT: Final = ("service", "operation", "category", "severity", "team_id", "user_facing", "critical")


def context_of(error: BaseException, given: Mapping[str, Any] | ErrorContext | None) -> ErrorContext:
    """Never raises for what stands in the mapping: an error is being handled already. What it cannot read is left in
    the metadata.
    """
    if isinstance(given, ErrorContext):
        return replace(
            given,
            error=error,
            service=_word(given.service) or UNKNOWN_SERVICE,
            operation=_word(given.operation),
            team_id=_word(given.team_id),
            metadata=_named(given.metadata),
        )
    said = dict(given or {})
    return ErrorContext(
        error=error,
        service=_word(said.get("service")) or UNKNOWN_SERVICE,
        operation=_word(said.get("operation")),
        category=_one_of(ErrorCategory, said.get("category")),
        severity=_one_of(ErrorSeverity, said.get("severity")),
        team_id=_word(said.get("team_id")),
        user_facing=bool(said.get("user_facing")),
        critical=bool(said.get("critical")),
        metadata=_named({name: value for name, value in said.items() if name not in _OF_THE_CONTEXT}),
    )


class Asked(NamedTuple):
    """What the program was working at, in the product's words."""

    unit: str
    """`github:acme/ledger` where it is a unit that the product collects, else `service:operation`."""
    iso_week: str = ""
    window: Window | None = None
    ask: CollectRepository | CollectProject | None = None
    """With which the product collects it; None: the product knows nothing of the kind."""


def asked_of(context: ErrorContext, team: TeamConfig | None, now: datetime, unique: str) -> Asked:
    """A repository of GitHub or a project of JIRA, and its week: `iso_week` of the context, else the last one that has
    ended, in the team's timezone. `unique` names the collection.
    """
    repository, project = _word(context.metadata.get("repository")), _word(context.metadata.get("project"))
    is_repository = context.service == names.GITHUB and repository.count("/") == 1
    if not (is_repository or (context.service == names.JIRA and project)):
        return Asked(":".join(filter(None, (context.service, context.operation))))
    timezone = team.timezone if team else "UTC"
    iso_week = _word(context.metadata.get("iso_week")) or last_week_ended_by(now, timezone)
    try:
        window = week_window(iso_week, timezone)
    except (ValueError, ZoneInfoNotFoundError):
        return Asked(f"{context.service}:{repository or project}")
    if is_repository:
        api = team.github.api if team and team.github else "auto"
        repository_ask = CollectRepository(
            collection_id=unique, team=context.team_id, repository=repository, window=window, api=api
        )
        return Asked(names.repository_unit(repository), iso_week, window, repository_ask)
    project_ask = CollectProject(collection_id=unique, team=context.team_id, project=project, window=window)
    return Asked(names.project_unit(project), iso_week, window, project_ask)


def _named(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    return {_word(name): value for name, value in metadata.items()}


def _word(value: object) -> str:
    """One line of text that can be written anywhere: without NUL, and without half characters."""
    return storable(" ".join(str(value).split())[:_LONGEST]) if value is not None else ""


def _one_of(kind: type[E], value: object) -> E | None:
    try:
        return kind(value)  # type: ignore[arg-type]
    except ValueError:
        return None
