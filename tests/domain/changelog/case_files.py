"""Reads the case files of `cases/`: YAML that people write by hand, made into what composition takes and gives.

Strict, so that a misspelt field is an error and no silent pass. The form is told in `cases/README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict

from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    Release,
    RepositoryData,
)
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import Contributor, Gap, Item, Provenance
from devsync.domain.changelog.window import monday_of, week_window
from devsync.domain.model import Model

CASES = Path(__file__).parent / "cases"

Json = dict[str, Any]
M = TypeVar("M", bound=Model)

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOON = "tue 12:00"
_AUTHOR = re.compile(
    r"(?P<name>[^<@]*?)\s*(?:<(?P<email>[^>]+)>)?\s*(?:@(?P<login>\S+))?(?P<bot> \(Bot\))?",
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RepositoryCase(_Strict):
    provenance: Json = {}
    pull_requests: list[Json] = []
    commits: list[Json] = []
    releases: list[Json] = []


class ProjectCase(_Strict):
    provenance: Json = {}
    issues: list[Json] = []


class EditionCase(_Strict):
    items: list[str | Json]
    highlights: list[str] | None = None
    contributors: list[Json] | None = None
    releases: list[str] = []
    gaps: list[Json] = []
    completeness: float = 1.0
    reverted_pairs: int = 0
    excluded_count: int = 0
    unclassified_ratio: float | None = None


class Case(_Strict):
    about: str
    week: str = "2026-W47"
    timezone: str = "UTC"
    rules: Json = {}
    known_people: list[str] | None = None
    repositories: dict[str, RepositoryCase] = {}
    projects: dict[str, ProjectCase] = {}
    not_collected: list[str] = []
    gaps: list[Json] = []
    edition: EditionCase

    def plan(self) -> CompositionInput:
        """What composition is given. Raises ValueError for a field that no model has."""
        repositories = tuple(self._repository(name, unit) for name, unit in self.repositories.items())
        projects = tuple(self._project(key, unit) for key, unit in self.projects.items())
        return CompositionInput(
            team="payments",
            iso_week=self.week,
            window=week_window(self.week, self.timezone),
            rules=_strictly(CompositionRules, self.rules),
            repositories=repositories,
            projects=projects,
            units_asked=(
                *(unit.unit for unit in repositories),
                *(unit.unit for unit in projects),
                *self.not_collected,
            ),
            gaps=tuple(_strictly(Gap, gap) for gap in self.gaps),
            known_people=None if self.known_people is None else tuple(self.known_people),
        )

    def instant(self, text: str | datetime) -> datetime:
        """`tue 10:00` of the case's week, or a complete time."""
        weekday, _, clock = str(text).partition(" ")
        if weekday not in _WEEKDAYS:
            return datetime.fromisoformat(str(text))
        day = monday_of(self.week) + timedelta(days=_WEEKDAYS.index(weekday))
        return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(self.timezone))

    def _repository(self, name: str, unit: RepositoryCase) -> RepositoryUnit:
        data = RepositoryData(
            repository=name,
            commits=tuple(map(self._commit, unit.commits)),
            pull_requests=tuple(map(self._pull_request, unit.pull_requests)),
            releases=tuple(
                _strictly(Release, {**entry, "published_at": self._at(entry, "published_at")})
                for entry in unit.releases
            ),
        )
        return RepositoryUnit(data=data, provenance=self._provenance(unit.provenance))

    def _project(self, key: str, unit: ProjectCase) -> ProjectUnit:
        data = ProjectData(project=key, issues=tuple(map(self._issue, unit.issues)))
        return ProjectUnit(data=data, provenance=self._provenance(unit.provenance))

    def _commit(self, entry: Json) -> Commit:
        committed_at = self._at(entry, "committed_at")
        made = {
            "sha": full_sha(entry["sha"]),
            "author": author_of(entry.get("author", "@anna")),
            "authored_at": committed_at,
            "committed_at": committed_at,
            "parents": tuple(map(full_sha, entry.get("parents", ()))),
        }
        return _strictly(Commit, {**entry, **made})

    def _pull_request(self, entry: Json) -> PullRequest:
        merged_at = self._at(entry, "merged_at")
        merge_sha = entry.get("merge_commit_sha")
        made = {
            "author": author_of(entry.get("author", "@anna")),
            "created_at": merged_at - timedelta(days=1),
            "merged_at": merged_at,
            "merge_commit_sha": full_sha(merge_sha) if merge_sha else None,
        }
        return _strictly(PullRequest, {**entry, **made})

    def _issue(self, entry: Json) -> JiraIssue:
        resolved_at = self._at(entry, "resolved_at")
        made = {"created_at": resolved_at - timedelta(days=7), "resolved_at": resolved_at}
        return _strictly(JiraIssue, {"summary": f"Summary of {entry['key']}", **entry, **made})

    def _at(self, entry: Json, name: str) -> datetime:
        return self.instant(entry.get(name, _NOON))

    def _provenance(self, entry: Json) -> Provenance:
        as_of = {"as_of": self.instant(entry["as_of"])} if "as_of" in entry else {}
        return _strictly(Provenance, {**entry, **as_of})


def read_case(path: Path) -> Case:
    """One case. Raises ValueError for what is no case."""
    return Case.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def full_sha(text: object) -> str:
    return str(text).ljust(40, "0")


def author_of(text: str) -> Author:
    match = _AUTHOR.fullmatch(text)
    assert match is not None, f"{text!r} is no author"
    login = match["login"]
    return Author(
        name=match["name"] or login or match["email"], login=login, email=match["email"], is_bot=bool(match["bot"])
    )


def shown_item(item: Item, fields: Mapping[str, object]) -> Json:
    """Those of an item's fields that a case names, in the form in which it writes them."""
    _only_known(Item, fields)
    shown = item.model_dump(mode="json", include=set(fields))
    if "issues" in shown:
        shown["issues"] = [link.key for link in item.issues]
    if "provenance" in shown:
        shown["provenance"] = item.provenance.kind.value
    if "commits" in shown:
        shown["commits"] = [sha.rstrip("0") for sha in item.commits]
    return shown


def shown_contributor(person: Contributor, fields: Mapping[str, object]) -> Json:
    _only_known(Contributor, fields)
    return person.model_dump(mode="json", include=set(fields))


def shown_gap(gap: Gap, fields: Mapping[str, object]) -> Json:
    _only_known(Gap, fields)
    return gap.model_dump(mode="json", include=set(fields))


def _strictly(model: type[M], fields: Mapping[str, object]) -> M:
    _only_known(model, fields)
    return model.model_validate(fields)


def _only_known(model: type[Model], fields: Mapping[str, object]) -> None:
    unknown = set(fields) - set(model.model_fields)
    if unknown:
        raise ValueError(f"{model.__name__} has no {', '.join(sorted(unknown))}")
