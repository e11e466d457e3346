"""Weeks as nobody would make them: everything that sources could deliver, at once, for property tests.

Small numbers of everything, so that things meet: commits that name each other's pull requests, reverts of reverts,
instants at the edges of the window, one person under many names. Hypothesis chooses the sizes and a seed; drawing each
field by itself would take it longer than composing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

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
from devsync.domain.changelog.edition import Gap, Provenance, ProvenanceKind
from devsync.domain.changelog.window import week_window
from devsync.domain.model import Model

WINDOW = week_window("2026-W47", "Europe/Berlin")

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_SECOND = timedelta(seconds=1)
_EDGES = (WINDOW.start - _SECOND, WINDOW.start, WINDOW.end - timedelta(microseconds=1), WINDOW.end)
_AUTHORS = (
    Author(name="anna", login="anna"),
    Author(name="Anna Schmidt", login="anna", email="anna@acme.example"),
    Author(name="Anna Schmidt", email="anna@acme.example"),
    Author(name="Anna Schmidt"),
    Author(name="Bob", login="Bob"),
    Author(name="bob", email="1+bob@users.noreply.github.com"),
    Author(name="ghost", login="ghost"),
    Author(name="dependabot[bot]", login="dependabot[bot]", is_bot=True),
    Author(name="release-bot", email="noreply@acme.example"),
    Author(name="", email=""),
)
_LABELS = ("bug", "Type: Feature", "skip-changelog", "told", "breaking", "dependencies", "question", "")
_SUBJECTS = (
    "feat: x",
    "feat(api)!: y",
    "fix: x",
    "chore(deps): bump z from 1.0 to 1.1",
    "x",
    "",
    "PAY-1: x",
    "Fix y (PAY-2)",
    "[LED-1] UTF-8 and PAY-3",
    "\N{COLLISION SYMBOL} x",
)
_REVERTS = ('Revert "feat: x"', 'Revert "x"', 'Revert "Revert "feat: x""', 'Reapply "x"', "revert: x", "Revert it")
_LINES = (
    "Why.",
    "Closes PAY-1, LED-2",
    "BREAKING CHANGE: all",
    "BREAKING CHANGE: none",
    "* feat!: y",
    "<!-- PAY-3",
    "Co-authored-by: Dana <dana@home.example>",
    "Co-authored-by: Anna <1+anna@users.noreply.github.com>",
    "co-authored-by: Copilot <copilot@users.noreply.github.com>",
    "Changelog: feat: told instead",
    "\r\n",
)


def plans(*, reverts: bool = True, rules: bool = True) -> st.SearchStrategy[CompositionInput]:
    """Inputs of composition; without `reverts` no text speaks of one, without `rules` nothing is left out by any."""

    def made(seed: int, repositories: int, commits: int, pulls: int, projects: int) -> CompositionInput:
        return _Maker(Random(seed), commits, pulls, reverts, rules).plan(repositories, projects)

    return st.builds(
        made,
        st.integers(0, 2**32),
        repositories=st.integers(0, 2),
        commits=st.integers(0, 9),
        pulls=st.integers(0, 6),
        projects=st.integers(0, 2),
    )


def shuffled(plan: CompositionInput, random: Random) -> CompositionInput:
    """The same input with units and records in another order."""

    def anew(values: Sequence[T]) -> tuple[T, ...]:
        return tuple(random.sample(values, len(values)))

    def with_data(unit: M, *lists: str) -> M:
        data: Model = unit.data  # type: ignore[attr-defined]
        updates = {name: anew(getattr(data, name)) for name in lists}
        return unit.model_copy(update={"data": data.model_copy(update=updates)})

    repositories = [with_data(unit, "commits", "pull_requests", "releases") for unit in plan.repositories]
    projects = [with_data(unit, "issues") for unit in plan.projects]
    updates: dict[str, Any] = {
        "repositories": anew(repositories),
        "projects": anew(projects),
        "units_asked": anew(plan.units_asked),
        "gaps": anew(plan.gaps),
    }
    return plan.model_copy(update=updates)


class _Maker:
    def __init__(self, random: Random, commits: int, pulls: int, reverts: bool, rules: bool) -> None:
        self._random = random
        self._shas = [f"{number + 1:03x}".ljust(12, "d") + "0" * 28 for number in range(commits)]
        self._pulls = pulls
        self._reverts = reverts
        self._rules = rules

    def plan(self, repositories: int, projects: int) -> CompositionInput:
        random = self._random
        units = [
            RepositoryUnit(data=self._repository(name), provenance=self._provenance())
            for name in ("acme/api", "acme/web")[:repositories]
        ]
        if units and random.random() < 0.5:
            units.append(self._stand_in(units[0].data))
        return CompositionInput(
            team="payments",
            iso_week="2026-W47",
            window=WINDOW,
            rules=CompositionRules(
                include_labels=random.choice(((), ("told",))) if self._rules else (),
                exclude_labels=random.choice(((), ("Skip Changelog", "question"))) if self._rules else (),
                project_keys=("PAY",),
                incident_types=("incident",),
            ),
            repositories=tuple(units),
            projects=tuple(
                ProjectUnit(data=self._project(key), provenance=self._provenance()) for key in ("PAY", "LED")[:projects]
            ),
            units_asked=self._some(("github:acme/api", "github:acme/infra", "jira:PAY"), 3),
            gaps=self._some((_gap("jira:PAY"), _gap("github:acme/api")), 2),
            known_people=random.choice((None, ("anna",), ("dana", "bob"))),
        )

    def _repository(self, name: str) -> RepositoryData:
        """Parents are earlier commits or unknown; pull requests claim commits, some that nobody has."""
        return RepositoryData(
            repository=name,
            commits=tuple(self._commit(number) for number in range(len(self._shas))),
            pull_requests=tuple(self._pull_request(number) for number in range(1, self._pulls + 1)),
            releases=tuple(Release(tag=tag, published_at=self._instant()) for tag in self._some(("v1", "v2"), 2)),
        )

    def _commit(self, number: int) -> Commit:
        committed_at = self._instant()
        return Commit(
            sha=self._shas[number],
            message=self._random.choice(("\n\n", "\n", "\r\n\r\n")).join((self._subject(), self._body())),
            author=self._random.choice(_AUTHORS),
            authored_at=committed_at,
            committed_at=committed_at,
            parents=self._some(self._shas[:number] or ["f" * 40], 2),
        )

    def _pull_request(self, number: int) -> PullRequest:
        random = self._random
        merged_at = self._instant()
        return PullRequest(
            number=number,
            title=self._subject(),
            body=self._body(),
            author=random.choice(_AUTHORS),
            labels=self._some(_LABELS, 3),
            head_branch=random.choice(("", "feature/PAY-2-x", "fix/x", "x")),
            created_at=merged_at,
            merged_at=merged_at,
            merge_commit_sha=random.choice((None, "e" * 40, *self._shas)),
            author_association=random.choice(("", "FIRST_TIMER")),
        )

    def _stand_in(self, data: RepositoryData) -> RepositoryUnit:
        """A second answer of the same repository: a part of it, spelled otherwise, some titles edited meanwhile."""
        edited = [pull.model_copy(update={"title": "docs: y"}) for pull in data.pull_requests]
        part = {
            "repository": "Acme/API",
            "commits": self._some(data.commits, 9),
            "pull_requests": self._some(edited, 6),
        }
        return RepositoryUnit(data=data.model_copy(update=part), provenance=self._provenance())

    def _project(self, key: str) -> ProjectData:
        random = self._random
        return ProjectData(
            project=key,
            issues=tuple(
                JiraIssue(
                    key=f"{key}-{number}",
                    summary=random.choice(("", "Summary", " two\nlines ")),
                    issue_type=random.choice(("Bug", "Story", "Task", "Incident", "")),
                    resolution=random.choice(("Done", "Won’t Do", "")),
                    priority=random.choice(("Highest", "Medium", "")),
                    labels=self._some(_LABELS, 2),
                    assignee=random.choice((None, "Anna Schmidt", "Erik")),
                    created_at=WINDOW.start - timedelta(days=9),
                    resolved_at=random.choice((None, self._instant())),
                )
                for number in range(1, random.randint(1, 6))
            ),
        )

    def _subject(self) -> str:
        random = self._random
        subject = random.choice((*_SUBJECTS, *_REVERTS) if self._reverts else _SUBJECTS)
        number = random.randint(1, 7)
        return random.choice((subject, subject, f"{subject} (#{number})", f"Merge pull request #{number} from acme/x"))

    def _body(self) -> str:
        random = self._random
        lines = list(_LINES)
        if self._rules:
            lines.append("Changelog: skip")
        if self._reverts:
            lines += [f"This reverts commit {sha}." for sha in self._some(self._shas, 3)]
            lines += [f"Refs: {sha[:8]}" for sha in self._some(self._shas, 1)]
            lines += [f"Reverts #{random.randint(1, 7)}", f"Reverts acme/api#{random.randint(1, 7)}"]
        return "\n".join(random.sample(lines, random.randint(0, 4)))

    def _instant(self) -> datetime:
        random = self._random
        inside = WINDOW.start + timedelta(minutes=random.randrange(7 * 24 * 60))
        same_moment = WINDOW.start + timedelta(days=1, seconds=random.randrange(4))
        return random.choice((*_EDGES, inside, inside, same_moment, same_moment))

    def _provenance(self) -> Provenance:
        kind = self._random.choice((ProvenanceKind.LIVE, *ProvenanceKind))
        if kind is ProvenanceKind.LIVE:
            return Provenance()
        return Provenance(kind=kind, as_of=WINDOW.start + timedelta(hours=self._random.randrange(3)))

    def _some(self, values: Sequence[T], most: int) -> tuple[T, ...]:
        return tuple(self._random.sample(values, self._random.randint(0, min(most, len(values)))))


def _gap(unit: str) -> Gap:
    return Gap(unit=unit, service=unit.partition(":")[0], reason="It did not answer.")
