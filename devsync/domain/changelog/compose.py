"""From collected units to an edition: the one function that decides what a team's week was.

Pure and deterministic: no clock, no I/O, and the order in which units or records come in changes nothing. Every
pull request, commit and resolved issue of the window ends in exactly one place: an item of its own, folded into
another item, dropped with its revert (`Edition.reverted_pairs`), left out by rule (`excluded_count`), or, for a
commit of a pull request that was merged in another week, in that week's edition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from devsync.domain.changelog.classification import Verdict, classify_change, classify_issue
from devsync.domain.changelog.collected import Author, JiraIssue
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, RepositoryUnit
from devsync.domain.changelog.coverage import completeness_of, gaps_of, units_asked
from devsync.domain.changelog.edition import Edition, IssueLink, Item, Provenance, ReleaseNote, Section
from devsync.domain.changelog.folding import Change, fold
from devsync.domain.changelog.highlights import choose_highlights
from devsync.domain.changelog.jira_keys import keys_of, without_framing_keys
from devsync.domain.changelog.labels import plain_label
from devsync.domain.changelog.metrics import metrics_of
from devsync.domain.changelog.people import People, first_timers
from devsync.domain.changelog.reverts import RevertOutcome, drop_pairs
from devsync.domain.changelog.texts import one_line
from devsync.domain.changelog.uniqueness import unique, without_copies
from devsync.domain.changelog.upcoming import upcoming_of
from devsync.domain.changelog.window import Window

_SECTION_ORDER: Mapping[Section, int] = {section: order for order, section in enumerate(Section)}


class _Found(NamedTuple):
    """What the window holds, before the team's rules decide what of it is told."""

    outcome: RevertOutcome
    """The changes, without the pairs of one and its revert."""
    issues: Mapping[str, tuple[JiraIssue, Provenance]]
    """All that JIRA told of, by key."""
    keys: Mapping[str, Sequence[str]]
    """The issues that each change names, by the change's id."""
    done: Sequence[tuple[JiraIssue, Provenance, datetime]]
    """Issues resolved in the window that no change names."""
    authors: Mapping[str, list[Author]]
    """By the change's id."""
    people: People


class _Told(NamedTuple):
    """An item with the people behind it, before they are matched across the edition."""

    item: Item
    people: tuple[str, ...]
    """Identities, author first."""


def compose(plan: CompositionInput) -> Edition:
    """Make the edition of one team and week.

    Filters to the window itself (a pull request by `merged_at`, a commit by `committed_at`, an issue by
    `resolved_at`, a release by `published_at`), so that collection may deliver a margin.
    """
    found = _find(plan)
    told = sorted(_tell(found, _Rules(plan.rules)), key=lambda one: _reading_order(one.item))
    items = tuple(one.item for one in told)
    kept = found.outcome.kept
    in_window = [change.pull_request for change in kept if change.pull_request is not None]
    return Edition(
        team=plan.team,
        iso_week=plan.iso_week,
        window=plan.window,
        audience=plan.audience,
        items=items,
        highlights=choose_highlights(items, {key: issue.priority for key, (issue, _) in found.issues.items()}),
        releases=_releases(plan),
        contributors=found.people.contributors(
            (one.people for one in told),
            first_timers(in_window),
            None if plan.known_people is None else frozenset(name.casefold() for name in plan.known_people),
        ),
        gaps=gaps_of(plan),
        units_asked=units_asked(plan),
        completeness=completeness_of(plan),
        reverted_pairs=found.outcome.pairs,
        excluded_count=len(kept) + len(found.done) - len(told),
        upcoming=upcoming_of(plan),
        metrics=metrics_of(plan),
    )


def _find(plan: CompositionInput) -> _Found:
    """Fold what was collected into changes and issues, each once, and see who made them."""
    window = plan.window
    changes = [change for units in _same_repositories(plan) for change in _changes(units, window)]
    changes = list(without_copies(changes))
    outcome = drop_pairs(changes)

    issues = _issues(plan)
    projects = _project_keys(plan)
    # Of the dropped ones, too: an issue whose work was undone in the same week shipped nothing, whatever JIRA says.
    keys = {change.id: keys_of(change.texts, projects) for change in changes}
    named = {key for found in keys.values() for key in found}
    done = [
        (issue, provenance, issue.resolved_at)
        for issue, provenance in issues.values()
        if issue.key not in named and issue.resolved_at is not None and issue.resolved_at in window
    ]
    authors = {change.id: change.authors for change in outcome.kept}
    people = People(
        [author for found in authors.values() for author in found]
        + [Author(name=issue.assignee) for issue, _, _ in done if issue.assignee]
    )
    return _Found(outcome, issues, keys, done, authors, people)


def _tell(found: _Found, rules: _Rules) -> Iterator[_Told]:
    """An item for each change and each issue done without code that the team's rules do not leave out."""
    people = found.people
    for change in found.outcome.kept:
        links = tuple(_link(key, found.issues) for key in found.keys[change.id])
        verdict = classify_change(
            change, [link.issue_type for link in links], rules.incident_types, change.id in found.outcome.reverting
        )
        if verdict.is_breaking or (not verdict.is_skipped and rules.tell_change(change)):
            yield _told_change(change, verdict, links, people.identities(found.authors[change.id]), people)
    for issue, provenance, resolved_at in found.done:
        if rules.tell_labels(issue.labels):
            verdict = classify_issue(issue, rules.incident_types)
            yield _told_issue(issue, verdict, provenance, resolved_at, people)


class _Rules:
    """The team's rules, made ready for many questions."""

    def __init__(self, rules: CompositionRules) -> None:
        self._include = frozenset(map(plain_label, rules.include_labels))
        self._exclude = frozenset(map(plain_label, rules.exclude_labels))
        self.incident_types = frozenset(name.casefold() for name in rules.incident_types)

    def tell_change(self, change: Change) -> bool:
        if change.pull_request is not None and self._include:
            labels = set(map(plain_label, change.labels))
            return not self._include.isdisjoint(labels) and self._exclude.isdisjoint(labels)
        return self.tell_labels(change.labels)

    def tell_labels(self, labels: Iterable[str]) -> bool:
        return self._exclude.isdisjoint(map(plain_label, labels))


def _same_repositories(plan: CompositionInput) -> Iterator[list[RepositoryUnit]]:
    """Units of one repository together: a cached copy and what of it did answer. Names ignore case, as at GitHub."""
    units: dict[str, list[RepositoryUnit]] = defaultdict(list)
    for unit in plan.repositories:
        units[unit.data.repository.casefold()].append(unit)
    return iter(units.values())


def _changes(units: list[RepositoryUnit], window: Window) -> list[Change]:
    pulls = unique((pull.number, pull, unit.provenance) for unit in units for pull in unit.data.pull_requests)
    commits = unique(
        (commit.sha, commit, unit.provenance)
        for unit in units
        for commit in unit.data.commits
        if commit.committed_at in window
    )
    told = [(pull, provenance) for pull, provenance in pulls.values() if pull.merged_at in window]
    elsewhere = [pull for pull, _ in pulls.values() if pull.merged_at not in window]
    return fold(_name(units), told, list(commits.values()), elsewhere)


def _name(units: list[RepositoryUnit]) -> str:
    return min(unit.data.repository for unit in units)


def _issues(plan: CompositionInput) -> dict[str, tuple[JiraIssue, Provenance]]:
    return unique((issue.key, issue, unit.provenance) for unit in plan.projects for issue in unit.data.issues)


def _project_keys(plan: CompositionInput) -> frozenset[str]:
    """Projects that exist: configured, asked for or collected. A project that is down still has its links."""
    asked = (unit.removeprefix("jira:") for unit in plan.units_asked if unit.startswith("jira:") and "/" not in unit)
    collected = (unit.data.project for unit in plan.projects)
    return frozenset((*plan.rules.project_keys, *asked, *collected))


def _link(key: str, issues: Mapping[str, tuple[JiraIssue, Provenance]]) -> IssueLink:
    """The key alone where JIRA did not answer for it."""
    if key not in issues:
        return IssueLink(key=key)
    issue, _ = issues[key]
    return IssueLink(
        key=key, url=issue.url, summary=one_line(issue.summary), issue_type=issue.issue_type, status=issue.status
    )


def _told_change(
    change: Change,
    verdict: Verdict,
    links: tuple[IssueLink, ...],
    identities: tuple[str, ...],
    people: People,
) -> _Told:
    is_routine = people.is_bot(identities[0]) or verdict.section is Section.DEPENDENCIES
    item = Item(
        id=change.id,
        section=verdict.section,
        title=without_framing_keys(verdict.title, [link.key for link in links]),
        type=verdict.type,
        scope=verdict.scope,
        is_breaking=verdict.is_breaking,
        breaking_note=verdict.breaking_note,
        repository=change.repository,
        pull_request=change.pull_request.number if change.pull_request is not None else None,
        url=change.url,
        commits=change.shas,
        issues=links,
        people=tuple(map(people.label, identities)),
        labels=tuple(sorted(set(change.labels))),
        shipped_at=change.shipped_at,
        is_automated=is_routine and not verdict.is_breaking,
        classified_by=verdict.classified_by,
        provenance=change.provenance,
    )
    return _Told(item, identities)


def _told_issue(
    issue: JiraIssue, verdict: Verdict, provenance: Provenance, resolved_at: datetime, people: People
) -> _Told:
    identities = people.identities([Author(name=issue.assignee)] if issue.assignee else [])
    item = Item(
        id=issue.key,
        section=verdict.section,
        title=verdict.title,
        url=issue.url,
        issues=(_link(issue.key, {issue.key: (issue, provenance)}),),
        people=tuple(map(people.label, identities)),
        labels=tuple(sorted(set(issue.labels))),
        shipped_at=resolved_at,
        classified_by=verdict.classified_by,
        provenance=provenance,
    )
    return _Told(item, identities)


def _reading_order(item: Item) -> tuple[int, str, datetime, str]:
    return _SECTION_ORDER[item.section], item.repository, item.shipped_at, item.id


def _releases(plan: CompositionInput) -> tuple[ReleaseNote, ...]:
    found: list[ReleaseNote] = []
    for units in _same_repositories(plan):
        releases = unique((release.tag, release, unit.provenance) for unit in units for release in unit.data.releases)
        found += (
            ReleaseNote(
                repository=_name(units),
                tag=release.tag,
                name=one_line(release.name),
                is_prerelease=release.is_prerelease,
                published_at=release.published_at,
                url=release.url,
            )
            for release, _ in releases.values()
            if release.published_at in plan.window
        )
    return tuple(sorted(found, key=lambda note: (note.repository, note.published_at, note.tag)))
