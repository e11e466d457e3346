"""A world from any local git repository, read by `git log`: the demo on the visitor's own code."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.world import Commit, Person, TeamSpec, World
from sandbox.worlds.commits import repository_of

_DAYS = 400
_MOST_COMMITS = 20_000
_FIELDS = ("%H", "%P", "%an", "%ae", "%aI", "%cI", "%B")
_NOREPLY = re.compile(r"(?:\d+\+)?(.+)@users\.noreply\.github\.com")
_REMOTE = re.compile(r"[:/]([^/:]+)/([^/]+?)(?:\.git)?/?$")


class NoGitHistory(ValueError):
    """The path is no git repository, or one without a commit."""


def git_world(path: Path, *, week: str | None = None, timezone: str = "UTC") -> World:
    """The current branch of the repository at `path`, up to 400 days back from its newest commit.

    Without `week` the world is about the week of the newest commit (in UTC). Git knows no JIRA issues, so there are
    none. Raises NoGitHistory.
    """
    newest = datetime.fromisoformat(_git(path, "log", "-1", "--format=%cI").strip()).astimezone(UTC)
    since = (newest - timedelta(days=_DAYS)).isoformat()
    form = "--format=" + "%x1f".join(_FIELDS)
    log = _git(path, "log", "-z", f"--max-count={_MOST_COMMITS}", f"--since={since}", form)
    people: dict[str, Person] = {}
    commits = [_commit(entry, people) for entry in log.split("\0") if entry.strip()]
    owner, name = _full_name(path)
    repository = repository_of(700_000, owner, name, commits)
    repository.git_path = path.resolve()
    repository.default_branch = _git(path, "rev-parse", "--abbrev-ref", "HEAD").strip()
    for pull in repository.pull_requests:
        pull.base_branch = repository.default_branch
    team = _plain(name.lower(), r"[^a-z0-9]+", 80) or "repository"
    year, number, _ = newest.isocalendar()
    return World(
        repositories={repository.full_name: repository},
        slack_channels=[team],
        teams=[TeamSpec(team, timezone, [repository.full_name], [], [team])],
        week=week or f"{year:04d}-W{number:02d}",
    )


def _git(path: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments], capture_output=True, check=True, encoding="utf-8", errors="replace"
        )
    except subprocess.CalledProcessError as error:
        raise NoGitHistory(f"git has no history for {path}: {error.stderr.strip()}") from None
    return done.stdout


def _commit(entry: str, people: dict[str, Person]) -> Commit:
    sha, parents, name, email, authored_at, committed_at, message = entry.strip("\n").split("\x1f", 6)
    noreply = _NOREPLY.fullmatch(email)
    person = people.get(email)
    if person is None:
        login = noreply[1] if noreply else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"
        person = people[email] = Person(name, login, email, is_bot=f"{name} {login}".count("[bot]") > 0)
    return Commit(
        sha=sha,
        message=message.strip(),
        author=person,
        authored_at=datetime.fromisoformat(authored_at).astimezone(UTC),
        committed_at=datetime.fromisoformat(committed_at).astimezone(UTC),
        parents=parents.split(),
        known_account=noreply is not None,
    )


def _full_name(path: Path) -> tuple[str, str]:
    """Owner and name from the remote `origin`; without one, `local` and the folder's name.

    Folders may be called what no repository at GitHub can be: other characters become hyphens.
    """
    try:
        remote = _REMOTE.search(_git(path, "config", "--get", "remote.origin.url").strip())
    except NoGitHistory:
        remote = None
    owner, name = (remote[1], remote[2]) if remote else ("local", path.resolve().name)
    return _plain(owner, r"[^A-Za-z0-9-]+", 39) or "local", _plain(name, r"[^A-Za-z0-9._-]+", 100) or "repository"


def _plain(text: str, foreign: str, longest: int) -> str:
    return re.sub(foreign, "-", text).strip("-")[:longest]
