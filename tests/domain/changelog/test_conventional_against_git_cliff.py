"""The parser held against git-cliff's, an independent and widely used reading of the same specification."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from devsync.domain.changelog.conventional import parse
from tests.domain.changelog import histories

Reading = tuple[str, str, bool] | None
"""Type, scope, is it breaking; None for a message that is not conventional."""

EXPLAINED: dict[str, str] = {}
"""SHA of a real commit on which the two differ: why ours is right. Empty: they agree on all."""

CONFIGURATION = """
[changelog]
body = ""
[git]
conventional_commits = true
filter_unconventional = false
filter_commits = false
split_commits = false
commit_parsers = []
commit_preprocessors = []
"""


@pytest.fixture(scope="module")
def git_cliff(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], list[Reading]]:
    """Asks git-cliff, many messages a process."""
    beside_python = Path(sys.executable).parent / "git-cliff"
    binary = str(beside_python) if beside_python.exists() else shutil.which("git-cliff")
    if binary is None or shutil.which("git") is None:
        pytest.skip("git-cliff or git is not installed")
    folder = tmp_path_factory.mktemp("git-cliff")
    repository = folder / "repository"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *identity, "commit", "--quiet", "--allow-empty", "--message", "Begin"],
        cwd=repository,
        check=True,
    )
    configuration = folder / "cliff.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")

    def ask(messages: Sequence[str]) -> list[Reading]:
        readings: list[Reading] = []
        for batch in _batches(messages):
            answer = subprocess.run(
                [
                    binary,
                    "--config",
                    str(configuration),
                    "--context",
                    "--offline",
                    *(f"--with-commit={message}" for message in batch),
                ],
                cwd=repository,
                check=True,
                capture_output=True,
                text=True,
            )
            commits = [one for one in json.loads(answer.stdout)[0]["commits"] if one["id"] == ""]
            assert len(commits) == len(batch)
            readings += [
                (one["group"].lower(), (one["scope"] or "").strip(), one["breaking"]) if one["conventional"] else None
                for one in commits
            ]
        return readings

    return ask


def _batches(messages: Sequence[str]) -> Iterator[Sequence[str]]:
    # An argument list may hold about 2 MB; a message here 4,000 characters.
    return (messages[start : start + 40] for start in range(0, len(messages), 40))


def ours(message: str) -> Reading:
    found = parse(message)
    return None if found is None else (found.type, found.scope, found.is_breaking)


@pytest.mark.parametrize(
    "name",
    [
        "orhun__git-cliff",
        "conventional-changelog__commitlint",
        "apache__devlake",
        "temporalio__sdk-python",
        "apache__zookeeper",
        "apache__calcite",
    ],
)
def test_both_read_real_commits_alike(name: str, git_cliff: Callable[[Sequence[str]], list[Reading]]) -> None:
    rows = histories.rows(name)
    messages = [histories.message_of(row) for row in rows]
    theirs = git_cliff(messages)
    differing = {
        row["sha"]: f"{row['subject']!r}: ours {ours(message)}, theirs {their}"
        for row, message, their in zip(rows, messages, theirs, strict=True)
        if ours(message) != their
    }
    print(f"{name}: {100 * (1 - len(differing) / len(rows)):.1f} % of {len(rows)} commits read alike")
    unexplained = [text for sha, text in differing.items() if sha not in EXPLAINED]
    assert not unexplained, "\n".join(unexplained)
