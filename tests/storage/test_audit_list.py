"""The audit as the page lists it, in a real database: one chain, from its end."""

from datetime import timedelta
from typing import Any

import pytest

from devsync.storage.audit import Audit
from devsync.storage.audit_list import AuditList, EntryKind
from devsync.storage.database import Database
from tests.storage.tampering import tamper
from tests.storage.test_audit import NOON, entry


@pytest.fixture
async def listed(database: Database) -> AuditList:
    await Audit(database).write(
        [
            entry(1),
            entry(2, actor="Ben_Okafor", what="breaker:github"),
            entry(3, id="run:changelog:payments:2026-W47:r", what="changelog:payments:2026-W47"),
            entry(4, team="search"),
            entry(5, team=""),
        ]
    )
    return AuditList(database)


async def numbers(listed: AuditList, team: str = "payments", **asked: Any) -> list[int]:
    return [one.number for one in await listed.entries(team, limit=10, **asked)]


async def test_a_chain_is_read_from_its_end_and_page_by_page(listed: AuditList) -> None:
    assert await numbers(listed) == [3, 2, 1]
    assert [one.number for one in await listed.entries("payments", limit=2)] == [3, 2]
    assert await numbers(listed, before=2) == [1]
    assert await numbers(listed, "search") == [1]
    assert await numbers(listed, "nobody") == []


async def test_entries_are_found_by_what_they_tell(listed: AuditList) -> None:
    assert await numbers(listed, kind=EntryKind.RUN) == [3]
    assert await numbers(listed, who="ben_") == [2]
    assert await numbers(listed, who="%") == []
    assert await numbers(listed, about="W47") == [3]
    assert await numbers(listed, since=NOON + timedelta(seconds=2)) == [3, 2]
    assert await numbers(listed, until=NOON + timedelta(seconds=2)) == [1]


async def test_chains_are_those_of_the_teams_that_are_asked_about(listed: AuditList) -> None:
    assert [(one.team, one.number) for one in await listed.chains(None)] == [("", 1), ("payments", 3), ("search", 1)]
    assert [one.team for one in await listed.chains(["search", "nobody"])] == ["search"]


async def test_a_chain_without_its_head_is_listed_all_the_same(listed: AuditList, url: str) -> None:
    tamper(url, "DELETE FROM audit_heads WHERE team = 'search'")
    assert [(one.team, one.number) for one in await listed.chains(["search"])] == [("search", 0)]
