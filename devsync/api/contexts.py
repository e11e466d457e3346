"""From what a program knows of its error, a dict or an `ErrorContext`, to what the product calls the same."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfoNotFoundError

from devsync.api.checks import expect, name_of, word
from devsync.contracts import names
from devsync.contracts.collection import CollectProject, CollectRepository
from devsync.domain.changelog.window import Window, last_week_ended_by, week_window
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity

if TYPE_CHECKING:
    from devsync.settings.team import TeamConfig

E = TypeVar("E", bound=StrEnum)

UNKNOWN_SERVICE: Final = names.PROGRAM
"""Of an error that was handed over without a service: the program's own work."""

OF_THE_UNIT: Final = ("repository", "project", "iso_week")
"""Names in the metadata that say which data it is about."""

NOT_UNDERSTOOD: Final = "not_understood"
"""Among the metadata: what of the context means something here, and could not be read; why, by name."""

_NAMES: Final = ("service", "operation", "team_id")
_OF_THE_CONTEXT: Final = (*_NAMES, "category", "severity", "user_facing", "critical")

_log = logging.getLogger("devsync.api")


def context_of(error: BaseException, given: Mapping[str, Any] | ErrorContext | None) -> ErrorContext:
    """Raises TypeError for an error that is none, and for a context that is neither a mapping nor an `ErrorContext`.

    Never raises for what stands in it: an error is being handled already. What cannot be read is said in the log, and
    among the metadata under NOT_UNDERSTOOD.
    """
    expect("error", error, BaseException, "Exception")
    said: Mapping[str, Any]
    more: Mapping[Any, Any]
    if isinstance(given, ErrorContext):
        said, more = vars(given), given.metadata
    elif isinstance(given, Mapping | None):
        said = given or {}
        more = {name: value for name, value in said.items() if name not in _OF_THE_CONTEXT}
    else:
        raise TypeError(f"context must be a dict or an ErrorContext, not {given!r:.100}")
    metadata = {word(name): value for name, value in more.items()}
    if wrong := dict(_not_understood(said, metadata)):
        _log.warning("of an error's context is not understood: %s", "; ".join(wrong.values()))
        metadata[NOT_UNDERSTOOD] = wrong
    return ErrorContext(
        error=error,
        service=word(said.get("service")) or UNKNOWN_SERVICE,
        operation=word(said.get("operation")),
        category=_one_of(ErrorCategory, said.get("category")),
        severity=_one_of(ErrorSeverity, said.get("severity")),
        team_id=word(said.get("team_id")),
        user_facing=_is_true(said.get("user_facing")),
        critical=_is_true(said.get("critical")),
        metadata=metadata,
    )


def _is_true(value: object) -> bool:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 (whatever it is: nobody can say that it is true)
        return False


def _not_understood(said: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _NAMES:
        if word(said.get(name)):
            try:
                name_of(name, said[name])
            except (TypeError, ValueError) as error:
                yield name, str(error)
    for name, kind in (("category", ErrorCategory), ("severity", ErrorSeverity)):
        if said.get(name) is not None and _one_of(kind, said[name]) is None:
            yield name, f"{name} {said[name]!r:.100} is none of {', '.join(kind)}"
    if week := word(metadata.get("iso_week")):
        try:
            week_window(week, "UTC")
        except ValueError as error:
            yield "iso_week", f"iso_week: {error}"
    repository = word(metadata.get("repository"))
    if repository and word(said.get("service")) == names.GITHUB and repository.count("/") != 1:
        yield "repository", f"repository {repository!r:.100} is no owner/name"


class Asked(NamedTuple):
    """What the program was working at, in the product's words."""

    unit: str
    """`github:acme/ledger` where it is a unit that the product collects, else `service:operation`."""
    iso_week: str = ""
    window: Window | None = None
    ask: CollectRepository | CollectProject | None = None
    """With which the product collects it; None: the product knows nothing of the kind."""


def asked_of(context: ErrorContext, team: "TeamConfig | None", now: datetime, unique: str) -> Asked:
    """A repository of GitHub or a project of JIRA, and its week: `iso_week` of the context, else the last one that has
    ended, in the team's timezone. `unique` names the collection.
    """
    repository, project = word(context.metadata.get("repository")), word(context.metadata.get("project"))
    is_repository = context.service == names.GITHUB and repository.count("/") == 1
    if not (is_repository or (context.service == names.JIRA and project)):
        return Asked(":".join(filter(None, (context.service, context.operation))))
    timezone = team.timezone if team else "UTC"
    iso_week = word(context.metadata.get("iso_week")) or last_week_ended_by(now, timezone)
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


def _one_of(kind: type[E], value: object) -> E | None:
    try:
        return kind(value)  # type: ignore[arg-type]
    except ValueError:
        return None
