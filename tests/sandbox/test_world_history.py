"""Worlds from real commits: the shared histories, and any git repository."""

from __future__ import annotations

import gzip
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.expectation import expected_items
from sandbox.worlds.git_repository import NoGitHistory, git_world
from sandbox.worlds.history import UnknownHistory, history_teams, history_world

HISTORIES = Path(__file__).parents[3] / "shared" / "data" / "history"
needs_histories = pytest.mark.skipif(
    not HISTORIES.is_dir(), reason="the shared histories are not beside the project (../shared/data/history)"
)


def entry(number: int, subject: str, at: str, body: str = "", author: str = "dev-1") -> dict[str, object]:
    parents = [f"{number - 1:040x}"] if number > 1 else []
    return {
        "sha": f"{number:040x}", "author": author, "bot": author.endswith("[bot]"), "authored_at": at,
        "committed_at": at, "parents": parents, "subject": subject, "body": body, "files": [],
    }  # fmt: skip


def write_history(directory: Path, name: str, *entries: dict[str, object]) -> None:
    """Entries oldest first; the file has them newest first."""
    with gzip.open(directory / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in reversed(entries))


def test_a_subject_with_a_number_becomes_a_squash_merged_pull_request(tmp_path: Path) -> None:
    write_history(
        tmp_path,
        "acme__tool",
        entry(1, "Start", "2026-08-17T10:00:00+02:00"),
        entry(2, "feat: backport of x (#7) (#12)", "2026-08-18T23:30:00-07:00", body="Why."),
    )
    world = history_world(tmp_path, "tool")
    [pull] = world.repositories["acme/tool"].pull_requests
    assert (pull.number, pull.title, pull.body) == (12, "feat: backport of x (#7)", "Why.")
    assert pull.merged_at == datetime(2026, 8, 19, 6, 30, tzinfo=UTC)
    assert pull.merge_commit_sha == f"{2:040x}"
    assert (world.week, world.projects, world.teams[0].timezone) == ("2026-W34", {}, "UTC")


def test_jira_knows_the_keys_of_the_subjects_and_no_false_friends(tmp_path: Path) -> None:
    write_history(
        tmp_path,
        "apache__calcite",
        entry(1, "[CALCITE-7] Fix UTF-8 names", "2026-08-10T10:00:00Z"),
        entry(2, 'Revert "[CALCITE-7] Fix UTF-8 names"', "2026-08-18T10:00:00Z"),
        entry(3, 'Revert "[CALCITE-3] Old work"', "2026-08-18T11:00:00Z"),
        entry(4, "CALCITE-9: Upgrade to fix CVE-2026-1 (#4)", "2026-08-19T10:00:00Z"),
    )
    world = history_world(tmp_path, "calcite")
    assert list(world.projects) == ["CALCITE"]
    issues = {issue.key: issue for issue in world.projects["CALCITE"].issues}
    assert list(issues) == ["CALCITE-3", "CALCITE-7", "CALCITE-9"]
    assert issues["CALCITE-7"].summary == "Fix UTF-8 names"
    assert issues["CALCITE-7"].resolved_at == datetime(2026, 8, 10, 10, tzinfo=UTC)
    assert issues["CALCITE-9"].summary == "Upgrade to fix CVE-2026-1"
    assert (issues["CALCITE-3"].resolved_at, issues["CALCITE-3"].status_category) == (None, "new")


@pytest.mark.parametrize(
    ("subject", "issue_type"),
    [
        ("[CALCITE-1] The parser crashes on Tuesdays", "Bug"),
        ("[CALCITE-1] Fix the parser", "Bug"),
        ("CALCITE-1. Plans should not depend on the weekday", "Bug"),
        ("[CALCITE-1] Support Wednesdays", "Improvement"),
        ("[CALCITE-1] The parser should support Wednesdays", "Improvement"),
        ("[CALCITE-1] Upgrade the parser to 2.0", "Task"),
        ("[CALCITE-1] Test cases for Wednesdays", "Task"),
    ],
)
def test_jira_types_an_issue_as_its_reporter_would(tmp_path: Path, subject: str, issue_type: str) -> None:
    write_history(tmp_path, "apache__calcite", entry(1, subject, "2026-08-10T10:00:00Z"))
    [issue] = history_world(tmp_path, "calcite").projects["CALCITE"].issues
    assert issue.issue_type == issue_type
    assert not issue.summary.startswith((".", "["))


def test_an_unknown_team_is_refused_with_those_there_are(tmp_path: Path) -> None:
    write_history(tmp_path, "acme__tool", entry(1, "Start", "2026-08-17T10:00:00Z"))
    with pytest.raises(UnknownHistory, match='no history "tols"; it has: tool, all'):
        history_world(tmp_path, "tols")
    with pytest.raises(UnknownHistory, match="it has: none"):
        history_world(tmp_path / "nothing", "tool")


@needs_histories
def test_all_six_histories_make_one_team() -> None:
    names = ["calcite", "commitlint", "devlake", "git-cliff", "sdk-python", "zookeeper", "all"]
    assert history_teams(HISTORIES) == names
    world = history_world(HISTORIES, "all", week="2026-W30")
    assert len(world.repositories) == 6
    assert world.teams[0].projects == ["CALCITE", "ZOOKEEPER"]
    assert repr(world) == repr(history_world(HISTORIES, "all", week="2026-W30"))


@needs_histories
@pytest.mark.parametrize("team", ["calcite", "zookeeper", "devlake", "commitlint", "git-cliff", "sdk-python"])
def test_every_commit_of_a_real_week_is_told_once(team: str) -> None:
    for week in (f"2026-W{number:02d}" for number in range(20, 35)):
        world = history_world(HISTORIES, team, week=week)
        items = expected_items(world, world.teams[0], week)
        told = [sha for item in items for sha in item.commits]
        assert len(told) == len(set(told))
        assert len({item.id for item in items}) == len(items)


@needs_histories
def test_a_revert_within_a_real_week_is_dropped_with_what_it_reverts() -> None:
    """commitlint took cross-env 10 in and out again within 2025-W30."""
    world = history_world(HISTORIES, "commitlint", week="2025-W30")
    numbers = {item.id.partition("#")[2] for item in expected_items(world, world.teams[0], "2025-W30")}
    assert numbers
    assert not {"4528", "4529"} & numbers


@needs_histories
def test_a_revert_of_an_older_week_stays_beside_the_second_attempt() -> None:
    """Calcite reverted CALCITE-7580 of 2026-W23 in W25 and landed it anew in the same week, under the same title."""
    world = history_world(HISTORIES, "calcite", week="2026-W25")
    items = expected_items(world, world.teams[0], "2026-W25")
    subjects = {commit.sha: commit.message.split("\n")[0] for commit in world.repositories["apache/calcite"].commits}
    told = [subjects[sha] for item in items for sha in item.commits if "CALCITE-7580" in subjects[sha]]
    assert sorted(subject.startswith("Revert") for subject in told) == [False, True]


def git(path: Path, *arguments: str, at: str = "2026-11-16T10:00:00+00:00") -> None:
    identity = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "HOME": str(path), "PATH": "/usr/bin:/bin"}
    people = ["-c", "user.name=Ada Berg", "-c", "user.email=1+adaberg@users.noreply.github.com"]
    subprocess.run(["git", "-C", str(path), *people, *arguments], check=True, capture_output=True, env=identity)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "My Tool"
    path.mkdir()
    git(path, "init", "--initial-branch=trunk")
    git(path, "commit", "--allow-empty", "-m", "Long ago", at="2024-01-01T10:00:00+00:00")
    git(path, "commit", "--allow-empty", "-m", "Start")
    git(path, "checkout", "-b", "feature/x")
    git(path, "commit", "--allow-empty", "-m", "Part one", at="2026-11-17T10:00:00+00:00")
    git(path, "commit", "--allow-empty", "-m", "Part two", at="2026-11-17T11:00:00+00:00")
    git(path, "checkout", "trunk")
    git(path, "commit", "--allow-empty", "-m", "fix: squashed (#4)\n\nBecause.", at="2026-11-17T12:00:00+00:00")
    message = "Merge pull request #3 from acme/feature/x\n\nBoth parts\n\nIn full."
    git(path, "merge", "--no-ff", "-m", message, "feature/x", at="2026-11-18T10:00:00+00:00")
    return path


def test_a_git_repository_tells_how_its_changes_were_merged(checkout: Path) -> None:
    world = git_world(checkout)
    [repository] = world.repositories.values()
    assert (repository.full_name, repository.default_branch, world.week) == ("local/My-Tool", "trunk", "2026-W47")
    squashed, merged = repository.pull_requests
    assert (squashed.number, squashed.title, squashed.body) == (4, "fix: squashed", "Because.")
    assert (merged.number, merged.title, merged.body) == (3, "Both parts", "In full.")
    assert merged.head_branch == "feature/x"
    messages = {commit.sha: commit.message for commit in repository.commits}
    assert [messages[sha] for sha in merged.commit_shas] == ["Part one", "Part two"]
    assert "Long ago" not in messages.values()
    assert repository.commits[0].author.login == "adaberg"


def test_the_expectation_of_a_git_repository_folds_branches(checkout: Path) -> None:
    world = git_world(checkout)
    items = {item.id.partition("/")[2]: len(item.commits) for item in expected_items(world, world.teams[0], world.week)}
    start = next(one for one in next(iter(world.repositories.values())).commits if one.message == "Start")
    assert items == {"My-Tool#3": 3, "My-Tool#4": 1, f"My-Tool@{start.sha[:12]}": 1}


def test_a_remote_names_the_repository(checkout: Path) -> None:
    git(checkout, "remote", "add", "origin", "git@github.com:acme/tool.git")
    assert list(git_world(checkout).repositories) == ["acme/tool"]


def test_names_that_github_and_slack_do_not_have_are_made_plain(checkout: Path) -> None:
    git(checkout, "remote", "add", "origin", "/srv/my_code/the_tool")
    world = git_world(checkout)
    assert list(world.repositories) == ["my-code/the_tool"]
    assert (world.teams[0].team, world.slack_channels) == ("the-tool", ["the-tool"])


def test_a_folder_without_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoGitHistory, match="git has no history for"):
        git_world(tmp_path)
