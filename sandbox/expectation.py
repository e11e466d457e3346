"""What a world should give as an edition, worked out the slow and plain way, as a careful reader would check it.

It is the oracle of the composition tests, so it shares no code with the product and takes no short cut:

- the week runs from Monday 00:00 to Monday 00:00 in the team's time zone, the end not included;
- a pull request counts by when it was merged, a commit by committer date, an issue by when it was resolved;
- a commit belongs to a pull request that it merged or that lists it, whenever that was merged, or to one of the week
  whose `(#n)` ends its subject: it is no item of its own; all other commits are;
- JIRA keys come from the first text that has a valid one: title, body, branch, then the commits' messages;
- a resolved issue named by an item is told with it, else it is an item;
- a change and its revert, both in the week, are dropped with the issues told with them;
- what is labelled `skip-changelog` is left out, unless it is breaking;
- a renamed repository's items go by its new name.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import orjson

from sandbox.world import Commit, PullRequest, Repository, TeamSpec, World
from sandbox.worlds.choice import add_world_options, world_of

_KEY = re.compile(r"\b([A-Z][A-Z0-9_]+)-\d+\b")
_NUMBER_AT_THE_END = re.compile(r"\(#(\d+)\)$")
_BREAKING_SUBJECT = re.compile(r"\w+(\([^)]*\))?!:")
_BREAKING_FOOTER = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
_REVERT_TITLE = re.compile(r'Revert "(.*)"')
_REVERT_COMMIT = re.compile(r"This reverts commit ([0-9a-f]{7,40})")
_REVERT_NUMBER = re.compile(r"^Reverts ([\w.-]+/[\w.-]+#\d+)$", re.MULTILINE)
_SKIP = "skip-changelog"


@dataclass(frozen=True, slots=True)
class ExpectedItem:
    id: str
    """`owner/name#12`, `owner/name@<12 hex digits>` or `PAY-12`."""
    commits: tuple[str, ...] = ()
    """Full SHAs of the week's commits on the default branch, oldest first."""
    keys: tuple[str, ...] = ()
    """JIRA keys that the item names, in the order of the text; an issue's own key for an issue."""


@dataclass(slots=True)
class _Change:
    """A pull request or a lone commit of the week."""

    id: str
    repository: str
    happened_at: datetime
    title: str
    body: str
    branch: str
    labels: list[str]
    commits: list[Commit]
    number: int | None = None
    keys: tuple[str, ...] = ()


def expected_items(world: World, team: TeamSpec, iso_week: str, timezone: str | None = None) -> list[ExpectedItem]:
    """The items of a team's week, in order of id; `timezone` defaults to the team's."""
    start, end = week_bounds(iso_week, timezone or team.timezone)
    repositories = filter(None, map(world.repository_named, team.repositories))
    changes = [change for repository in repositories for change in _changes(repository, start, end)]
    for change in changes:
        change.keys = _keys(change, team.projects)
    named = {key for change in changes for key in change.keys}
    kept = [change for change in _without_revert_pairs(changes) if not _is_skipped(change)]
    items = [ExpectedItem(change.id, tuple(commit.sha for commit in change.commits), change.keys) for change in kept]
    for project in team.projects:
        for issue in world.projects[project].issues:
            if issue.resolved_at and start <= issue.resolved_at < end and issue.key not in named:
                items.append(ExpectedItem(issue.key, (), (issue.key,)))
    return sorted(items, key=lambda item: item.id)


def week_bounds(iso_week: str, timezone: str) -> tuple[datetime, datetime]:
    """First instant of the week and first instant after it, in UTC."""
    year, number = iso_week.split("-W")
    monday = date.fromisocalendar(int(year), int(number), 1)
    zone = ZoneInfo(timezone)
    start = datetime.combine(monday, time(), zone)
    end = datetime.combine(monday + timedelta(days=7), time(), zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def _changes(repository: Repository, start: datetime, end: datetime) -> list[_Change]:
    merged = [pull for pull in repository.pull_requests if pull.merged_at]
    commits_of: dict[int, list[Commit]] = {pull.number: [] for pull in merged}
    lone: list[Commit] = []
    owners = _owners_by_sha(merged)
    this_week = {pull.number for pull in merged if pull.merged_at and start <= pull.merged_at < end}
    for commit in reversed(repository.commits):
        if not start <= commit.committed_at < end:
            continue
        ending = _NUMBER_AT_THE_END.search(commit.message.split("\n")[0])
        named = int(ending[1]) if ending and int(ending[1]) in this_week else None
        commits_of.get(owners.get(commit.sha) or named or 0, lone).append(commit)
    changes = []
    for pull in merged:
        if pull.merged_at and pull.number in this_week:
            changes.append(_change_of_pull(repository, pull, pull.merged_at, commits_of[pull.number]))
    changes.extend(_change_of_commit(repository, commit) for commit in lone)
    return changes


def _owners_by_sha(merged: list[PullRequest]) -> dict[str, int]:
    """The pull request of each commit that one merged or lists."""
    owners: dict[str, int] = {}
    for pull in merged:
        for sha in (pull.merge_commit_sha, *pull.commit_shas):
            if sha is not None:
                owners.setdefault(sha, pull.number)
    return owners


def _change_of_pull(repository: Repository, pull: PullRequest, merged_at: datetime, commits: list[Commit]) -> _Change:
    return _Change(
        id=f"{repository.full_name}#{pull.number}",
        repository=repository.full_name,
        happened_at=merged_at,
        title=pull.title,
        body=pull.body,
        branch=pull.head_branch,
        labels=pull.labels,
        commits=commits,
        number=pull.number,
    )


def _change_of_commit(repository: Repository, commit: Commit) -> _Change:
    subject, _, rest = commit.message.partition("\n")
    return _Change(
        id=f"{repository.full_name}@{commit.sha[:12]}",
        repository=repository.full_name,
        happened_at=commit.committed_at,
        title=subject,
        body=rest.strip(),
        branch="",
        labels=[],
        commits=[commit],
    )


def _keys(change: _Change, projects: list[str]) -> tuple[str, ...]:
    for text in (change.title, change.body, change.branch, *(commit.message for commit in change.commits)):
        found = [match[0] for match in _KEY.finditer(text) if match[1] in projects]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def _without_revert_pairs(changes: list[_Change]) -> list[_Change]:
    """Newest first, so that a revert of a revert restores the change that both speak of."""
    dropped: set[str] = set()
    newest_first = sorted(changes, key=lambda change: change.happened_at, reverse=True)
    for position, revert in enumerate(newest_first):
        if revert.id in dropped:
            continue
        for earlier in newest_first[position + 1 :]:
            if earlier.id not in dropped and _reverts(revert, earlier):
                dropped |= {revert.id, earlier.id}
                break
    return [change for change in changes if change.id not in dropped]


def _reverts(revert: _Change, earlier: _Change) -> bool:
    """A revert that says what it reverts means that and nothing else; otherwise its title quotes the title."""
    if revert.repository != earlier.repository:
        return False
    text = "\n".join([revert.body, *(commit.message for commit in revert.commits)])
    shas, numbers = _REVERT_COMMIT.findall(text), _REVERT_NUMBER.findall(text)
    if shas or numbers:
        return earlier.id in numbers or any(commit.sha.startswith(sha) for sha in shas for commit in earlier.commits)
    quoted = _REVERT_TITLE.match(revert.title)
    subjects = {earlier.title, *(commit.message.split("\n")[0] for commit in earlier.commits)}
    return bool(quoted and quoted[1] in subjects)


def _is_skipped(change: _Change) -> bool:
    is_breaking = _BREAKING_SUBJECT.match(change.title) or any(
        _BREAKING_FOOTER.search(text) for text in (change.body, *(commit.message for commit in change.commits))
    )
    return _SKIP in change.labels and not is_breaking


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.expectation", description=__doc__.split("\n")[0])
    add_world_options(parser)
    options = parser.parse_args()
    try:
        world = world_of(options)
    except ValueError as error:
        parser.error(str(error))
    document = {team.team: [asdict(item) for item in expected_items(world, team, world.week)] for team in world.teams}
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
