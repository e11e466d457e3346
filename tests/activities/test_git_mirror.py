"""A git mirror instead of GitHub: the same commits under the same SHAs, and plain words where it cannot be read."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from activities.clients.git_mirrors import GitMirrors
from activities.git_mirror import GitMirrorActivities
from devsync.contracts.collection import UnitCollected
from devsync.contracts.recovery import EditionSources, StepResult
from devsync.domain.changelog.collected import Commit, RepositoryData
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, RepositoryUnit
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import Failure
from devsync.runtime.classification import classify
from devsync.settings.problems import ConfigError
from sandbox.changes import DelayMirror
from sandbox.faults import Fault, FaultKind
from sandbox.service import system_clock
from sandbox.world import Repository
from sandbox.worlds.demo import demo_world
from sandbox.worlds.extremes import EMPTY, extreme_world
from tests.activities.recovery_stage import READ_TIMEOUT, RecoveryStage, recovery_stage, why

_FORGET = text("DELETE FROM collected_units")


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


def told(commit: Commit) -> tuple[object, ...]:
    """What the live edition says of a commit; the account behind an address only GitHub knows."""
    return (
        commit.sha,
        commit.message,
        commit.parents,
        commit.author.name,
        commit.author.email,
        commit.authored_at,
        commit.committed_at,
        commit.url,
        commit.author.is_bot,
    )


def inside(stage: RecoveryStage, data: RepositoryData) -> set[tuple[object, ...]]:
    return {told(commit) for commit in data.commits if commit.committed_at in stage.window}


async def from_mirrors(stage: RecoveryStage, *names: str) -> StepResult:
    return await stage.take(stage.mirrors.collect, *map(stage.repository, names or stage.repositories))


async def from_address(stage: RecoveryStage, address: str, until: timedelta = timedelta(seconds=30)) -> StepResult:
    name = stage.repositories[0]
    sources = EditionSources(mirrors={name: address})
    return await stage.take(stage.mirrors.collect, stage.repository(name), sources=sources, until=until)


async def failure_at(stage: RecoveryStage, address: str) -> Failure:
    error = await why(from_address(stage, address))
    return classify(error, "git_mirror", system_clock())


async def test_with_the_api_refused_and_the_cache_empty_the_same_commits_appear(stage: RecoveryStage) -> None:
    live = {name: await stage.collect(stage.repository(name)) for name in stage.repositories}
    stage.sandbox.pause("github")
    await stage.database.execute(_FORGET)
    result = await from_mirrors(stage)
    assert [unit.unit for unit in result.healed] == [f"github:{name}" for name in stage.repositories]
    for name, mirrored in zip(stage.repositories, result.healed, strict=True):
        assert mirrored.provenance.kind is ProvenanceKind.MIRROR
        assert mirrored.provenance.as_of is not None
        expected = await stage.repository_data(live[name])
        found = await stage.repository_data(mirrored)
        assert inside(stage, found) == inside(stage, expected)
        assert found.default_branch == expected.default_branch
        assert found.pull_requests == ()


async def test_the_edition_tells_the_same_commits_with_pull_requests_as_numbers_only(stage: RecoveryStage) -> None:
    live = [await stage.collect(stage.repository(name)) for name in stage.repositories]
    mirrored = list((await from_mirrors(stage)).healed)
    shas = []
    for units in (live, mirrored):
        edition = compose(await composition(stage, units))
        shas.append({sha for item in edition.items for sha in item.commits if sha in of_week(stage)})
    assert shas[0] <= shas[1], "what the live edition tells, the mirror's tells, too"
    assert shas[1]


async def composition(stage: RecoveryStage, units: list[UnitCollected]) -> CompositionInput:
    repositories = [
        RepositoryUnit(data=await stage.repository_data(unit), provenance=unit.provenance) for unit in units
    ]
    return CompositionInput(team="payments", iso_week="2026-W47", window=stage.window, repositories=tuple(repositories))


def of_week(stage: RecoveryStage) -> set[str]:
    """The commits of default branches that belong to the week."""
    repositories: list[Repository] = list(stage.sandbox.world.repositories.values())
    return {
        commit.sha
        for repository in repositories
        for commit in repository.commits
        if commit.committed_at in stage.window
    }


async def test_annotated_tags_of_the_week_are_its_releases(stage: RecoveryStage) -> None:
    for name, mirrored in zip(stage.repositories, (await from_mirrors(stage)).healed, strict=True):
        data = await stage.repository_data(mirrored)
        published = [
            (release.tag, release.name)
            for release in stage.sandbox.world.repositories[name].releases
            if release.published_at is not None and release.published_at in stage.window
        ]
        assert sorted((release.tag, release.name) for release in data.releases) == sorted(published)


async def test_a_second_recovery_fetches_only_what_is_new(stage: RecoveryStage) -> None:
    name = stage.repositories[0]
    first = await from_mirrors(stage, name)
    stage.sandbox.change(DelayMirror(repository=name, commits=0))
    second = await from_mirrors(stage, name)
    assert first.healed[0].artifact == second.healed[0].artifact


async def test_a_mirror_that_is_behind_gives_what_it_has_and_says_how_old_that_is(stage: RecoveryStage) -> None:
    name = next(name for name in stage.repositories if len(stage.sandbox.world.repositories[name].commits) > 12)
    whole = await stage.repository_data((await from_mirrors(stage, name)).healed[0])
    stage.sandbox.change(DelayMirror(repository=name, commits=10))
    (mirrored,) = (await from_mirrors(stage, name)).healed
    behind = await stage.repository_data(mirrored)
    assert {commit.sha for commit in behind.commits} < {commit.sha for commit in whole.commits}
    assert any(note.startswith("mirror: its newest commit is of 2026-11-") for note in mirrored.notes)


async def test_a_mirror_without_a_commit_stands_in_for_nothing(url: str, tmp_path: Path) -> None:
    async with recovery_stage(extreme_world(commits=3), url, tmp_path) as stage:
        error = await why(from_mirrors(stage, EMPTY))
    assert classify(error, "git_mirror", system_clock()).code == "empty"


async def test_a_mirror_without_a_commit_since_the_window_began_stands_in_for_nothing(
    stage: RecoveryStage, tmp_path: Path
) -> None:
    """The week was quiet, or the mirror is far behind: nobody can tell. `--shallow-since` is refused there."""
    old = _repository(tmp_path / "old", "2020-01-01T00:00:00Z")
    result = await from_address(stage, f"file://{old}")
    assert result.healed == ()
    assert f"without a commit since the window began: github:{stage.repositories[0]}" in result.message


async def test_a_mirror_that_went_on_after_a_quiet_week_tells_that_it_was_quiet(
    stage: RecoveryStage, tmp_path: Path
) -> None:
    young = _repository(tmp_path / "young", "2026-11-25T00:00:00Z")
    (mirrored,) = (await from_address(stage, f"file://{young}")).healed
    assert (await stage.repository_data(mirrored)).commits == ()


async def test_a_repository_without_a_mirror_is_told_and_the_rest_is_healed(stage: RecoveryStage) -> None:
    first, second = stage.repositories[:2]
    sources = EditionSources(mirrors={first.upper(): stage.sandbox.mirrors[first]})
    units = (stage.repository(first), stage.repository(second))
    result = await stage.take(stage.mirrors.collect, *units, sources=sources)
    assert [unit.unit for unit in result.healed] == [f"github:{first}"]
    assert f"no mirror is configured for github:{second}" in result.message


async def test_one_broken_mirror_does_not_hide_the_others(stage: RecoveryStage) -> None:
    broken = stage.repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="git", route=f"/{broken}.git", status=503))
    result = await from_mirrors(stage)
    assert len(result.healed) == len(stage.repositories) - 1
    assert "git_mirror answered 503" in result.message


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ({"kind": FaultKind.STATUS, "status": 401}, "401"),
        ({"kind": FaultKind.STATUS, "status": 404}, "404"),
        ({"kind": FaultKind.STATUS, "status": 503}, "503"),
        ({"kind": FaultKind.HTML, "status": 502}, "502"),
        ({"kind": FaultKind.MALFORMED}, "malformed"),
        ({"kind": FaultKind.RESET}, "network"),
    ],
)
async def test_why_a_mirror_cannot_be_read_is_told_by_what_its_address_answers(
    stage: RecoveryStage, kind: dict[str, object], code: str
) -> None:
    stage.sandbox.faults.add(Fault.model_validate({"service": "git", **kind}))
    assert (await failure_at(stage, stage.sandbox.mirrors[stage.repositories[0]])).code == code


async def test_a_mirror_that_is_no_repository_or_not_there_is_told_plainly(
    stage: RecoveryStage, tmp_path: Path
) -> None:
    page = await failure_at(stage, f"{stage.sandbox.urls['status']}/github")
    assert (page.code, page.is_retryable) == ("404", False)
    missing = await failure_at(stage, f"file://{tmp_path}/nothing.git")
    assert missing.code == "exit_128"
    assert "check its address" in missing.message
    stage.sandbox.pause("git")
    assert (await failure_at(stage, stage.sandbox.mirrors[stage.repositories[0]])).code == "unreachable"


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch pwned'",
        "--upload-pack=touch pwned",
        "ssh://-oProxyCommand=touch/repository.git",
        "https://anna:pa55word@git.acme.dev/ledger.git",
        "fd::17/ledger",
    ],
)
async def test_an_address_that_git_must_not_be_given_never_reaches_it(
    stage: RecoveryStage, address: str, tmp_path: Path
) -> None:
    error = await why(from_address(stage, address))
    assert isinstance(error, ConfigError)
    assert "pa55word" not in str(error)
    assert list(tmp_path.rglob("pwned")) == []


async def test_a_clone_ends_when_its_time_is_up_and_leaves_nothing_running(stage: RecoveryStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="git", latency_ms=20_000))
    address = stage.sandbox.mirrors[stage.repositories[0]]
    began = asyncio.get_running_loop().time()
    error = await why(from_address(stage, address, until=timedelta(seconds=3)))
    assert isinstance(error, TimeoutError)
    assert asyncio.get_running_loop().time() - began < 6
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(address.encode() in line for line in command_lines)


async def test_a_clone_that_grows_beyond_its_bound_is_given_up(
    stage: RecoveryStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.clients.git_mirrors.LARGEST_BYTES", 10)
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="git", latency_ms=600))
    assert (await failure_at(stage, stage.sandbox.mirrors[stage.repositories[0]])).code == "too_large"


async def test_two_readers_of_one_mirror_take_turns(stage: RecoveryStage, tmp_path: Path) -> None:
    """As two processes of a machine that share the folder."""
    name = stage.repositories[0]
    other = GitMirrorActivities(
        GitMirrors(tmp_path, read_timeout=READ_TIMEOUT), stage.shelf, web_url=stage.sandbox.github_url, at_once=1
    )
    results = await asyncio.gather(
        *(stage.take(mirrors.collect, stage.repository(name)) for mirrors in (stage.mirrors, other) * 2)
    )
    assert len({result.healed[0].artifact for result in results}) == 1


async def test_what_a_killed_git_left_behind_is_no_hindrance(stage: RecoveryStage, tmp_path: Path) -> None:
    name = stage.repositories[0]
    first = await from_mirrors(stage, name)
    (clone,) = tmp_path.glob("*.git")
    for lock in ("shallow.lock", "config.lock", "refs/devsync/head.lock"):
        (clone / lock).touch()
    assert (await from_mirrors(stage, name)).healed[0].artifact == first.healed[0].artifact


async def test_a_damaged_clone_is_made_anew(stage: RecoveryStage, tmp_path: Path) -> None:
    name = stage.repositories[0]
    first = await from_mirrors(stage, name)
    (clone,) = tmp_path.glob("*.git")
    for path in (clone / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"damaged")
    assert (await from_mirrors(stage, name)).healed[0].artifact == first.healed[0].artifact


async def test_no_secret_of_ours_reaches_git(
    stage: RecoveryStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text(f"#!/bin/sh\nenv > {seen}\nexit 128\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(fake), prepend=":")
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.sshCommand=touch pwned'")
    await why(from_address(stage, "file:///nowhere.git"))
    environment = seen.read_text()
    assert "secret-token" not in environment
    assert "GIT_CONFIG_PARAMETERS" not in environment
    assert "GIT_TERMINAL_PROMPT=0" in environment


def _repository(folder: Path, date: str) -> Path:
    environment = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    folder.mkdir()
    for command in (
        ["git", "init", "--quiet"],
        ["git", "-c", "user.name=A", "-c", "user.email=a@acme.example", "commit", "-q", "--allow-empty", "-m", "Old"],
    ):
        subprocess.run(command, cwd=folder, env=environment, check=True)
    return folder
