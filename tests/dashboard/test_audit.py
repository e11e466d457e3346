"""The page of the audit: one chain at a time, and whether it is as it was written; and who may ask for that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.pages.audit import LINES
from devsync.domain.audit import AuditEntry
from devsync.storage.audit import Audit
from devsync.storage.audit_list import AuditList, EntryKind
from tests.dashboard.conftest import House
from tests.storage.tampering import tamper
from tests.storage.test_audit import entry

VERIFY = "/teams/payments/audit/verify"


async def write(house: House, *told: AuditEntry) -> None:
    await Audit(house.site.database).write(told)


async def test_a_chain_is_shown_from_its_end_with_who_did_what(house: House) -> None:
    await write(house, entry(1), entry(2, actor="<b>ben", what="changelog:payments:2026-W47", outcome="\u202e" * 5))
    shown = (await (await house.visitor("anna")).get("/audit")).text
    assert shown.index(">2</td>") < shown.index(">1</td>")
    assert "&lt;b&gt;ben" in shown
    assert 'href="/teams/payments/runs/2026-W47"' in shown
    assert "\u202e" not in shown
    assert "Nobody has had it verified here yet" in shown


async def test_each_sees_the_chains_of_their_teams(house: House) -> None:
    await write(house, entry(1), entry(1, "search"), entry(1, "", what="of-nobody"))
    anna, root = await house.visitor("anna"), await house.visitor("root")
    shown = (await anna.get("/audit")).text
    assert ('value="payments"' in shown, 'value="search"' in shown, 'value="-"' in shown) == (True, False, False)
    for team in ("search", "-", "nobody"):
        assert (await anna.get(f"/audit?team={team}")).status_code == 404, team
    assert "of-nobody" in (await root.get("/audit?team=-")).text
    assert (await root.get("/audit?team=search")).status_code == 200


async def test_filters_and_pages_stand_in_the_address(house: House) -> None:
    await write(house, *(entry(number) for number in range(LINES + 3)), entry(900, actor="ben", what="other"))
    anna = await house.visitor("anna")
    assert (await anna.get("/audit?who=ben")).text.count("<dt>hash</dt>") == 1
    assert (await anna.get("/audit?about=other&kind=alert")).text.count("<dt>hash</dt>") == 1
    assert "No entry matches" in (await anna.get("/audit?kind=run")).text
    assert "No entry matches" in (await anna.get("/audit?until=2026-11-22")).text
    assert (await anna.get("/audit?since=2026-11-23&until=2026-11-23")).text.count("<dt>hash</dt>") == LINES
    first = (await anna.get("/audit?who=anna")).text
    assert "/audit?who=anna&amp;before=4" in first
    assert (await anna.get("/audit?who=anna&before=4")).text.count("<dt>hash</dt>") == 3
    assert (await anna.get("/audit?since=yesterday")).status_code == 422


async def test_a_verification_is_told_and_stands_in_the_chain_with_who_asked(house: House) -> None:
    await write(house, entry(1), entry(2))
    anna = await house.visitor("anna")
    answer = await anna.post(VERIFY, page="/audit")
    assert answer.status_code == 200
    assert "2 entries, to number 2" in answer.text
    (told,) = await AuditList(house.site.database).entries("payments", kind=EntryKind.VERIFICATION, limit=5)
    assert (told.number, told.entry.actor, told.entry.outcome) == (3, "anna", "whole")
    assert "when anna had it verified" in (await anna.get("/audit")).text
    assert "3 entries, to number 3" in (await anna.post(VERIFY, page="/audit")).text


async def test_what_was_tampered_with_is_found_and_remembered(house: House, url: str) -> None:
    await write(house, entry(1), entry(2))
    tamper(url, "UPDATE audit SET actor = 'nobody' WHERE number = 1")
    anna = await house.visitor("anna")
    answer = (await anna.post(VERIFY, page="/audit")).text
    assert "entry 1: its hash does not follow" in answer
    later = (await anna.get("/audit")).text
    assert "broken" in later
    assert "1 finding; the first: changed: entry 1" in later


async def test_a_chain_that_takes_no_entry_any_more_is_verified_all_the_same(house: House, url: str) -> None:
    await write(house, entry(1))
    tamper(url, "DELETE FROM audit_heads")
    answer = await (await house.visitor("anna")).post(VERIFY, page="/audit")
    assert answer.status_code == 200
    assert "broken" in answer.text
    assert "could not be added to the chain" in answer.text


@pytest.mark.parametrize(("name", "path"), [("cleo", VERIFY), ("ben", VERIFY), ("anna", "/audit/verify")])
async def test_who_may_not_operate_has_nothing_verified(house: House, name: str, path: str) -> None:
    await write(house, entry(1), entry(1, ""))
    visitor = await house.visitor(name)
    assert (await visitor.post(path, page="/audit")).status_code in {403, 404}
    assert await AuditList(house.site.database).entries("payments", kind=EntryKind.VERIFICATION, limit=1) == []
    if name == "cleo":
        assert "Verify now" not in (await visitor.get("/audit")).text


async def test_the_chain_of_no_team_is_verified_by_those_who_operate_every_team(house: House) -> None:
    await write(house, entry(1, ""))
    root = await house.visitor("root")
    assert "1 entry, to number 1" in (await root.post("/audit/verify", page="/audit?team=-")).text


async def test_of_two_who_ask_at_once_the_second_is_told_who_the_first_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(house, entry(1))
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> dict[str, Any]:
        began.set()
        await may_end.wait()
        return {}

    monkeypatch.setattr("dashboard.verification.noted_heads", slow)
    anna, root = await house.visitor("anna"), await house.visitor("root")
    first = asyncio.create_task(anna.post(VERIFY, page="/audit"))
    await began.wait()
    second = await root.post(VERIFY, page="/audit")
    may_end.set()
    assert "anna verifies it just now" in second.text
    assert "1 entry, to number 1" in (await first).text
