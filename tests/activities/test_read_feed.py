"""GitHub's Atom feeds: the titles of the latest commits, and no more than they are."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.github.atom import commits_of, releases_of
from devsync.contracts.collection import CollectRepository
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.window import week_window
from devsync.runtime.classification import MalformedAnswer, classify
from sandbox.faults import Fault, FaultKind
from sandbox.service import system_clock
from sandbox.world import Release
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from tests.activities.recovery_stage import RecoveryStage, recovery_stage, why

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">'
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    f"{ATOM}<title>&b;</title></feed>"
)
FILE = f'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]>{ATOM}<title>&a;</title></feed>'


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


async def test_the_titles_of_the_latest_commits_stand_in_while_the_api_is_down(stage: RecoveryStage) -> None:
    stage.sandbox.pause("github")
    result = await stage.take(stage.feeds.read_feed, *map(stage.repository, stage.repositories))
    assert len(result.healed) == len(stage.repositories)
    for name, fed in zip(stage.repositories, result.healed, strict=True):
        assert fed.provenance.kind is ProvenanceKind.FEED
        assert fed.provenance.as_of is not None
        assert fed.api_calls == 2
        newest = stage.sandbox.world.repositories[name].commits[:20]
        expected = [commit for commit in newest if commit.committed_at in stage.window]
        data = await stage.repository_data(fed)
        assert [commit.sha for commit in data.commits] == [commit.sha for commit in expected]
        for found, commit in zip(data.commits, expected, strict=True):
            subject = " ".join(commit.message.partition("\n")[0].split())
            assert found.message == subject or found.message.removesuffix("…") == subject[:79].rstrip()
            assert found.committed_at == commit.committed_at


async def test_releases_of_the_week_are_in_it(stage: RecoveryStage) -> None:
    names = [name for name, one in stage.sandbox.world.repositories.items() if one.releases]
    result = await stage.take(stage.feeds.read_feed, *map(stage.repository, names))
    found = [release.tag for fed in result.healed for release in (await stage.repository_data(fed)).releases]
    published: list[Release] = [
        release for name in names for release in stage.sandbox.world.repositories[name].releases
    ]
    expected = [one.tag for one in published if one.published_at is not None and one.published_at in stage.window]
    assert sorted(found) == sorted(expected)
    assert expected


async def test_a_feed_that_begins_after_the_window_says_so(url: str, tmp_path: Path) -> None:
    world = generated_world(repositories=1, projects=1, pull_requests=120, issues=3, week="2026-W47", timezone="UTC")
    async with recovery_stage(world, url, tmp_path) as stage:
        result = await stage.take(stage.feeds.read_feed, stage.repository(stage.repositories[0]))
    (fed,) = result.healed
    assert any("it reaches back to 2026-11-" in note for note in fed.notes)
    assert "too short to reach back" in result.message


async def test_a_feed_that_says_nothing_of_the_window_stands_in_for_nothing(stage: RecoveryStage) -> None:
    """An old week: all of the feed's entries are younger, which does not mean that the week was quiet."""
    unit = stage.repository(stage.repositories[0])
    assert isinstance(unit.ask, CollectRepository)
    old = unit.ask.model_copy(update={"window": week_window("2024-W10", "UTC")})
    result = await stage.take(stage.feeds.read_feed, unit.model_copy(update={"ask": old}))
    assert result.healed == ()
    assert "too short to reach back" in result.message


async def test_of_another_branch_its_own_feed_is_read(stage: RecoveryStage) -> None:
    unit = stage.repository(stage.repositories[0])
    assert (await stage.take(stage.feeds.read_feed, unit, arguments={"branch": "main"})).healed
    result = await stage.take(stage.feeds.read_feed, unit, arguments={"branch": "develop"})
    assert (result.healed, f"no public feed: {unit.unit}" in result.message) == ((), True)
    assert stage.asked("feed")[-1].path.endswith("/commits/develop.atom")


async def test_without_its_releases_the_commits_stand_in_all_the_same(stage: RecoveryStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="feed", route="/releases", status=500))
    (fed,) = (await stage.take(stage.feeds.read_feed, stage.repository(stage.repositories[0]))).healed
    assert any(note.startswith("feed: no releases (github answered 500") for note in fed.notes)


async def test_one_feed_that_is_not_there_does_not_hide_the_others(stage: RecoveryStage) -> None:
    private = stage.repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="feed", route=f"/{private}/", status=404))
    result = await stage.take(stage.feeds.read_feed, *map(stage.repository, stage.repositories))
    assert len(result.healed) == len(stage.repositories) - 1
    assert result.failures == {}, "the feed's failure is no news of the API"
    assert f"no public feed: github:{private}" in result.message


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": FaultKind.TRUNCATED}, "network"),
        ({"kind": FaultKind.CUT_JSON}, "malformed"),
        ({"kind": FaultKind.MALFORMED}, "malformed"),
        ({"kind": FaultKind.EMPTY}, "malformed"),
        ({"kind": FaultKind.HTML, "status": 502}, "502"),
        ({"kind": FaultKind.RATE_LIMIT, "retry_after_seconds": 3600}, "429"),
        ({"kind": FaultKind.LATENCY, "latency_ms": 5000}, "timeout"),
        ({"kind": FaultKind.RESET}, "network"),
    ],
)
async def test_a_bad_answer_heals_nothing_costs_one_request_and_nobody_sleeps(
    stage: RecoveryStage, fault: dict[str, object], code: str
) -> None:
    stage.sandbox.faults.add(Fault.model_validate({"service": "feed", **fault}))
    began = datetime.now(UTC)
    error = await why(stage.take(stage.feeds.read_feed, stage.repository(stage.repositories[0])))
    assert classify(error, "github", system_clock()).code == code
    assert len(stage.asked("feed")) == 1
    assert datetime.now(UTC) - began < timedelta(seconds=4)


@pytest.mark.parametrize("read", [commits_of, releases_of])
@pytest.mark.parametrize(
    "feed",
    [
        BOMB,
        FILE,
        "<html><body>GitHub is down</body></html>",
        f"{ATOM}<entry><id>tag:github.com,2008:Grit::Commit/main</id><updated>2026-11-16T09:00:00Z</updated></entry></feed>",
        f"{ATOM}<entry><id>tag:github.com,2008:Grit::Commit/{'a' * 40}</id><updated>yesterday</updated></entry></feed>",
        f"{ATOM}<entry><link rel='alternate' href='javascript:alert(1)'/></entry></feed>",
        ATOM,
    ],
    ids=["entities that grow", "a file", "a page", "no commit", "no time", "no entry of ours", "cut"],
)
def test_what_is_no_feed_of_github_is_refused(read: Callable[[bytes], list[object]], feed: str) -> None:
    with pytest.raises(MalformedAnswer):
        read(feed.encode())
