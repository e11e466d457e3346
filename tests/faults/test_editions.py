"""Editions end to end that meet each fault of the matrix: what is whole after all, what is missing, what is queued."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from sandbox.faults import FaultKind
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.faults.casts import ALWAYS, ONCE, PAUSED, Company, heals, how_it_stays
from tests.faults.editions import Played, play
from tests.faults.endings import LONGEST_WAIT_SECONDS, End, passing, staying
from tests.faults.matrix import APIS, GITHUB_REST, JIRA_CLOUD, JIRA_DATA_CENTER, ROWS, SLACK, Row
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

HINT = timedelta(seconds=LONGEST_WAIT_SECONDS)
SPREAD = timedelta(seconds=15)
WHOLE_SECOND = timedelta(seconds=1)
"""A date has no smaller parts."""
BUSY = timedelta(seconds=30)
"""How long a call may wait for its turn on a busy machine."""


@pytest.fixture(scope="session")
async def played(
    postgres: PostgresServer, temporal: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> Played:
    """A worker has one JIRA. So there are two at the same time, each with a server of its own; they share the work."""
    clouds = [api for api in APIS if api != JIRA_DATA_CENTER]
    first = Company(clouds, whole=[JIRA_CLOUD])
    second = Company([JIRA_DATA_CENTER], whole=[api for api in APIS if api != JIRA_CLOUD])
    async with running_temporal() as another:
        cloud, data_center = await asyncio.gather(
            play(first, Servers(postgres, temporal), tmp_path_factory.mktemp("cloud")),
            play(second, Servers(postgres, another), tmp_path_factory.mktemp("data-center")),
        )
    return Played(
        seen=cloud.seen | data_center.seen,
        results=cloud.results | data_center.results,
        things=cloud.things | data_center.things,
        calls=cloud.calls,
        keys=cloud.keys + data_center.keys,
    )


def named(row: Row) -> str:
    return f"{row.api}: {row.name}"


@pytest.mark.parametrize("row", [row for row in ROWS if heals(row)], ids=named)
def test_what_strikes_once_costs_an_edition_nothing(played: Played, row: Row) -> None:
    assert played.seen[row.api, row.name, ONCE].ending == passing(row)


@pytest.mark.parametrize("row", [row for row in ROWS if staying(row)], ids=named)
def test_what_stays_ends_as_the_matrix_says(played: Played, row: Row) -> None:
    found = played.seen[row.api, row.name, how_it_stays(row)]
    assert found.ending == staying(row)
    if found.ending.end is End.GAP:
        assert row.expected is not None
        assert found.category == row.expected.category


@pytest.mark.parametrize("api", [api for api in APIS if api != SLACK])
def test_an_edition_is_complete_after_what_passes_and_names_each_gap_of_what_stays(played: Played, api: str) -> None:
    whole, partial = played.results[api, ONCE], played.results[api, ALWAYS]
    assert (whole.status, whole.gaps, whole.completeness) == (EditionStatus.COMPLETE, (), 1)
    ends = {row: staying(row) for row in ROWS if row.api == api and how_it_stays(row) == ALWAYS}
    gaps = [row for row, ending in ends.items() if ending and ending.end is End.GAP]
    unit_of = names.project_unit if api.startswith("jira") else names.repository_unit
    assert partial.status is EditionStatus.PARTIAL
    assert {gap.unit for gap in partial.gaps} == {unit_of(played.things[api, row.name, ALWAYS]) for row in gaps}
    asked = sum(ending is not None for ending in ends.values())
    asked += api.startswith("jira")  # those teams have a repository, too
    assert partial.completeness == pytest.approx(1 - len(gaps) / asked)
    assert {channel.state for result in (whole, partial) for channel in result.channels} == {DeliveryState.DELIVERED}


def test_whatever_an_answer_was_no_message_stands_in_a_channel_twice(played: Played) -> None:
    assert set(played.keys.values()) == {1}


def test_a_message_stands_in_each_channel_that_is_called_delivered_and_in_none_that_failed(played: Played) -> None:
    """A queued one may have got it since: the faults were over before the delivery's next try."""
    for (api, name, how), found in played.seen.items():
        if api == SLACK and found.ending.end is not End.QUEUED:
            channel = f"/slack-{played.things[api, name, how]}/0"
            stands_there = any(key.startswith(f"slack-{how}-") and key.endswith(channel) for key in played.keys)
            assert stands_there is (found.ending.end is End.DELIVERED), (name, how)


TOLD_TO_WAIT = [row for row in ROWS if row.expected and row.expected.hint_seconds == LONGEST_WAIT_SECONDS]


@pytest.mark.parametrize("row", TOLD_TO_WAIT, ids=named)
def test_a_hint_of_30_seconds_is_followed_after_30_to_45_and_not_before(played: Played, row: Row) -> None:
    waited = played.seen[row.api, row.name, ONCE].waited
    assert HINT - WHOLE_SECOND * ("date" in row.name) <= waited <= HINT + SPREAD + BUSY


def test_on_the_wire_nothing_comes_within_30_seconds_of_the_hint(played: Played) -> None:
    """By REST, whose paths name the repository."""
    thing = played.things[GITHUB_REST, "429, 30 s", ONCE]
    calls = [call for call in played.calls if call.path.startswith(f"/repos/{thing}/")]
    pauses = [
        after.started_at - call.started_at
        for call, after in pairwise(calls)
        if FaultKind.RATE_LIMIT.value in call.faults
    ]
    assert len(pauses) == 1
    assert HINT <= pauses[0] <= HINT + SPREAD + BUSY


def test_an_edition_whose_services_are_paused_names_them_and_is_queued_at_its_deadline(
    played: Played,
) -> None:
    result = played.results[GITHUB_REST, PAUSED]
    assert result.status is EditionStatus.PARTIAL
    assert all("paused" in gap.reason for gap in result.gaps)
    assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
