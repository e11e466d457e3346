"""Clones of a world: what git itself says of its commits is what GitHub's stand-in says."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.changes import AddCommit, AddPullRequest, DelayMirror, ForcePush
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import Repository, World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.extremes import BUSY, EMPTY, WORDY, extreme_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.git_repository import git_world
from tests.sandbox.github_wire import small_world


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, encoding="utf-8", check=False)


async def cloned(sandbox: Sandbox, repository: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    url = sandbox.mirrors[repository]
    return await asyncio.to_thread(git, folder, "clone", "--quiet", "--bare", *options, url, "clone.git")


def commits(folder: Path) -> list[tuple[str, ...]]:
    """Of the clone's default branch: SHA, parents, author, committer time and subject."""
    form = "--format=%H%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%ct%x1f%s%x1e"
    told = git(folder / "clone.git", "log", form).stdout.split("\x1e\n")
    return [tuple(entry.split("\x1f")) for entry in told if entry]


def expected(repository: Repository) -> set[tuple[str, ...]]:
    return {
        (
            commit.sha,
            " ".join(commit.parents),
            commit.author.name,
            commit.author.email,
            str(int(commit.authored_at.timestamp())),
            str(int(commit.committed_at.timestamp())),
            commit.message.partition("\n")[0],
        )
        for commit in repository.commits
    }


@pytest.mark.parametrize(
    "make",
    [
        demo_world,
        lambda: generated_world(
            repositories=2, projects=1, pull_requests=400, issues=5, week="2026-W47", timezone="UTC"
        ),
    ],
    ids=["demo", "generated"],
)
async def test_a_clone_has_the_commits_that_github_tells_under_the_same_shas(
    make: Callable[[], World], tmp_path: Path
) -> None:
    world = make()
    async with run_sandbox(world, services=["git"]) as sandbox:
        for name, repository in world.repositories.items():
            folder = tmp_path / name.replace("/", "-")
            folder.mkdir()
            done = await cloned(sandbox, name, folder)
            assert done.returncode == 0, done.stderr
            assert set(commits(folder)) == expected(repository)
            tags = git(folder / "clone.git", "tag").stdout.split()
            assert sorted(tags) == sorted(release.tag for release in repository.releases)


async def test_the_repositories_of_extremes_can_be_cloned_too(tmp_path: Path) -> None:
    world = extreme_world(commits=300)
    async with run_sandbox(world, services=["git"]) as sandbox:
        for name in (BUSY, WORDY, EMPTY):
            folder = tmp_path / name.replace("/", "-")
            folder.mkdir()
            assert (await cloned(sandbox, name, folder)).returncode == 0
            found = {entry[0] for entry in commits(folder)}
            assert found == {commit.sha for commit in world.repositories[name].commits}


async def test_a_clone_without_files_and_without_older_commits_is_served(tmp_path: Path) -> None:
    world = demo_world()
    name, repository = next(iter(world.repositories.items()))
    since = sorted(commit.committed_at for commit in repository.commits)[len(repository.commits) // 2]
    async with run_sandbox(world, services=["git"]) as sandbox:
        done = await cloned(sandbox, name, tmp_path, "--filter=tree:0", f"--shallow-since={since.isoformat()}")
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < len(commits(tmp_path)) < len(repository.commits)


async def test_what_happens_to_the_world_is_in_the_next_clone(tmp_path: Path) -> None:
    world = demo_world()
    name, repository = next(iter(world.repositories.items()))
    async with run_sandbox(world, services=["git"]) as sandbox:
        await cloned(sandbox, name, tmp_path)
        sandbox.change(AddCommit(repository=name, message="One more", committed_at=repository.commits[5].committed_at))
        sandbox.change(
            AddPullRequest(repository=name, title="And another", merged_at=repository.commits[0].committed_at)
        )
        again = tmp_path / "again"
        again.mkdir()
        assert (await cloned(sandbox, name, again)).returncode == 0
        assert set(commits(again)) == expected(repository)
        sandbox.change(DelayMirror(repository=name, commits=2))
        behind = tmp_path / "behind"
        behind.mkdir()
        await cloned(sandbox, name, behind)
        assert {entry[-1] for entry in commits(again)} - {entry[-1] for entry in commits(behind)} == {
            "One more",
            f"And another (#{repository.pull_requests[-1].number})",
        }


async def test_where_git_would_name_the_commits_otherwise_there_is_no_mirror(tmp_path: Path) -> None:
    made_up, demo = small_world(), demo_world()
    rewritten = next(iter(demo.repositories))
    async with run_sandbox(made_up, services=["git"]) as sandbox:
        assert (await cloned(sandbox, "acme/payments-api", tmp_path)).returncode == 128
    async with run_sandbox(demo, services=["git"]) as sandbox:
        sandbox.change(ForcePush(repository=rewritten, rewritten=3))
        assert (await cloned(sandbox, rewritten, tmp_path)).returncode == 128


async def test_a_world_of_a_local_repository_serves_that_repository(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for arguments in (
        ("init", "--quiet"),
        ("-c", "user.name=Anna", "-c", "user.email=anna@acme.example", "commit", "--quiet", "--allow-empty", "-m", "A"),
    ):
        assert git(source, *arguments).returncode == 0
    world = git_world(source)
    async with run_sandbox(world, services=["git"]) as sandbox:
        (name,) = world.repositories
        assert (await cloned(sandbox, name, tmp_path)).returncode == 0
    assert [entry[0] for entry in commits(tmp_path)] == [world.repositories[name].commits[0].sha]
