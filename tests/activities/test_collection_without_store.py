"""A repository's week while the artifact store is away: it travels whole, without its texts, or not at all."""

from collections.abc import AsyncIterator

import pytest
from temporalio.exceptions import ApplicationError

from activities.collection import RECOLLECT_DELAY
from devsync.contracts.artifacts import INLINE_LIMIT
from devsync.storage import artifacts
from tests.activities.github_stage import REPOSITORY, GitHubStage, busy_world, github_stage


@pytest.fixture
async def stage() -> AsyncIterator[GitHubStage]:
    """No database listens there. Every pull request has a text."""
    world = busy_world()
    for pull in world.repositories[REPOSITORY].pull_requests:
        pull.body = f"What {pull.number} is about, in a few words."
    async with github_stage(world, "postgresql://nobody@127.0.0.1:1/none") as ready:
        yield ready


async def test_a_week_within_its_share_travels_whole(stage: GitHubStage) -> None:
    collected = await stage.collect(REPOSITORY, inline_share=INLINE_LIMIT)
    assert not collected.bodies_dropped
    assert 0 < collected.artifact.inline_size <= INLINE_LIMIT
    assert all(pull.body for pull in (await stage.data(collected)).pull_requests)


async def test_what_is_too_large_even_without_texts_is_not_collected_again_at_once(
    stage: GitHubStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "INLINE_LIMIT_BYTES", 1000)
    with pytest.raises(ApplicationError, match="too large to travel") as failure:
        await stage.collect(REPOSITORY)
    assert not failure.value.non_retryable
    assert failure.value.next_retry_delay == RECOLLECT_DELAY


async def test_beyond_its_share_it_travels_without_texts_and_says_so(stage: GitHubStage) -> None:
    whole = await stage.collect(REPOSITORY)
    cut = await stage.collect(REPOSITORY, inline_share=whole.artifact.inline_size - 1)
    assert cut.bodies_dropped
    assert 0 < cut.artifact.inline_size < whole.artifact.inline_size
    assert cut.counts == whole.counts
    pulls = (await stage.data(cut)).pull_requests
    assert {pull.body for pull in pulls} == {""}
    assert {pull.title for pull in pulls} == {pull.title for pull in (await stage.data(whole)).pull_requests}
