"""A world of what real repositories do to a reader at worst: huge weeks, endless titles, lost names and people."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.git_objects import named
from sandbox.world import Commit, GitHubIssue, Person, PullRequest, Release, Repository, Review, TeamSpec, World
from sandbox.worlds.calendar import Week
from sandbox.worlds.demo import DEMO_WEEK
from sandbox.worlds.people import DEPENDABOT, NEWCOMER, TEAM

BUSY = "acme/monorepo"
"""10,000 commits in the week, none of a pull request."""
WORDY = "acme/essays"
"""Titles, bodies, labels and tags of the longest kind."""
RENAMED, FORMER_NAME = "acme/payments-core", "acme/payments"
ARCHIVED = "acme/retired"
DESERTED = "acme/deserted"
"""Everybody who worked here deleted the account."""
EMPTY = "acme/empty"
"""Not one commit."""

_TITLE = 10_000
_BODY = 60_000


def extreme_world(week: str = DEMO_WEEK, *, commits: int = 10_000) -> World:
    """All the repositories above in one team; `commits`: how many the busy one has in the week."""
    start = Week.of(week, "UTC").start
    world = World(week=week, slack_channels=["extremes"])
    repositories = [_busy(start, commits), _wordy(start), _renamed(start), _archived(start), _deserted(start), _empty()]
    world.repositories = {repository.full_name: repository for repository in repositories}
    # The team file was written before the renaming.
    names = [FORMER_NAME if name == RENAMED else name for name in world.repositories]
    world.teams = [TeamSpec("extremes", "UTC", names, [], ["extremes"])]
    return world


def _busy(start: datetime, count: int) -> Repository:
    repository = _repository(1, BUSY)
    step = timedelta(days=7) / (count + 1)
    for position in range(count):
        author = TEAM[position % len(TEAM)]
        at = (start + step * (position + 1)).replace(microsecond=0)
        _push(repository, f"Sync module {position + 1}", author, at)
    return repository


def _wordy(start: datetime) -> Repository:
    repository = _repository(2, WORDY)
    titles = {
        "one word": "w" * _TITLE,
        "many words": ("feat(api)!: make it so " * _TITLE)[:_TITLE],
        "four bytes a letter": "🚀" * (_TITLE // 2) + "é" * (_TITLE // 2),
        "right to left": "\u202e" + "תיקון " * (_TITLE // 6),
    }
    for number, (kind, title) in enumerate(titles.items(), start=1):
        body = f"{kind}\n\n" + "An endless explanation. " * (_BODY // 24)
        _merge(repository, number, title, TEAM[0], start + timedelta(hours=number), body=body)
    repository.pull_requests[-1].labels = [f"label {position} {'x' * 40}" for position in range(100)]
    return repository


def _renamed(start: datetime) -> Repository:
    repository = _repository(3, RENAMED)
    repository.former_names = [FORMER_NAME]
    for number in range(1, 131):
        _merge(repository, number, f"fix: payment {number}", TEAM[1], start + timedelta(minutes=number))
    return repository


def _archived(start: datetime) -> Repository:
    repository = _repository(4, ARCHIVED)
    _merge(repository, 1, "chore: the last change", TEAM[2], start + timedelta(days=1))
    repository.archived_at = start + timedelta(days=2)
    return repository


def _deserted(start: datetime) -> Repository:
    repository = _repository(5, DESERTED)
    gone = [Person(one.name, f"{one.login}-gone", one.email, is_deleted=True) for one in (TEAM[3], NEWCOMER)]
    bot = Person(DEPENDABOT.name, DEPENDABOT.login, DEPENDABOT.email, is_bot=True, is_deleted=True)
    for number, person in enumerate([*gone, bot], start=1):
        at = start + timedelta(days=1, hours=number)
        _merge(repository, number, f"feat: parting gift {number}", person, at)
        repository.pull_requests[-1].reviews = [Review(number, gone[0], "APPROVED", at - timedelta(hours=1))]
    repository.issues = [GitHubIssue(90, "Nobody is left", "", gone[0], start, start)]
    repository.releases = [Release(1, "v1.0.0", "The end", "", gone[1], start, start + timedelta(days=1))]
    return repository


def _empty() -> Repository:
    return _repository(6, EMPTY)


def _repository(repository_id: int, full_name: str) -> Repository:
    owner, _, name = full_name.partition("/")
    return Repository(id=600_000 + repository_id, owner=owner, name=name)


def _merge(repository: Repository, number: int, title: str, author: Person, at: datetime, *, body: str = "") -> None:
    """A pull request that was opened a day before and squashed."""
    branch_commit = named(Commit("", title, author, at, at))
    repository.branch_commits.append(branch_commit)
    merge_sha = _push(repository, f"{title} (#{number})", author, at, is_merge=True)
    repository.pull_requests.append(
        PullRequest(
            number=number,
            title=title,
            body=body,
            author=author,
            created_at=at - timedelta(days=1),
            updated_at=at,
            merged_at=at,
            merge_commit_sha=merge_sha,
            head_branch=f"branch-{number}",
            commit_shas=[branch_commit.sha],
        )
    )


def _push(repository: Repository, message: str, author: Person, at: datetime, *, is_merge: bool = False) -> str:
    parents = [commit.sha for commit in repository.commits[:1]]
    commit = named(Commit("", message, author, at, at, parents), is_merged_by_github=is_merge)
    repository.commits.insert(0, commit)
    return commit.sha
