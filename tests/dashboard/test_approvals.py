"""Approvals: editions that wait for a reviewer, what is answered, and who may not; against the real workflow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.approval import ApprovalState
from devsync.contracts.edition import EditionResult
from devsync.storage.database import Database
from tests.dashboard.conftest import House, open_house
from tests.servers import running_temporal
from tests.workflows.edition.test_approval import REVIEWERS, until_shown
from tests.workflows.office import WEEK, Office, serving, start

pytestmark = pytest.mark.timeout(120)

HERE = f"/teams/payments/editions/{WEEK}/approval"


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """With a server of its own: previews that are on their way outlive their edition."""
    async with running_temporal() as server, open_house(database, server, tmp_path) as house:
        yield house


@pytest.fixture
async def waiting(house: House) -> AsyncIterator[WorkflowHandle[Any, EditionResult]]:
    """An edition whose preview stands in the reviewers' channel."""
    reviewers = ["#payments-leads"]
    house.change_team(approval={"required": True, "reviewers": reviewers, "wait": "90m"}, deliver_by="2h")
    environment = WorkflowEnvironment.from_client(house.site.temporal)
    async with serving(environment, Office(approval=REVIEWERS)):
        handle = await start(environment)
        await asyncio.wait_for(until_shown(handle, 1), 60)
        yield handle


async def test_who_may_answer_finds_it_where_people_are_asked(house: House, waiting: WorkflowHandle[Any, Any]) -> None:
    anna, ben = await house.visitor("anna"), await house.visitor("ben")
    assert f'href="{HERE}"' in (await anna.get("/escalations")).text
    assert "Approve preview 1" in (await anna.get(HERE)).text
    assert HERE not in (await ben.get("/escalations")).text
    assert (await ben.get(HERE)).status_code == 404
    assert (await ben.post(f"{HERE}/approve", "/escalations")).status_code == 404


async def test_who_may_only_look_answers_nothing(house: House, waiting: WorkflowHandle[Any, Any]) -> None:
    cleo = await house.visitor("cleo")
    assert "Approve" not in (await cleo.get(HERE)).text
    assert (await cleo.post(f"{HERE}/reject", HERE, reason="x")).status_code == 403


async def test_what_is_approved_is_posted(house: House, waiting: WorkflowHandle[Any, EditionResult]) -> None:
    anna = await house.visitor("anna")
    shown = await anna.deed(f"{HERE}/approve", HERE, note="good", preview="1")
    assert f"payments {WEEK} is approved." in shown
    result = await asyncio.wait_for(waiting.result(), 60)
    assert result.approval is not None
    assert (result.approval.state, result.approval.by, result.approval.note) == (ApprovalState.APPROVED, "anna", "good")


async def test_what_is_rejected_is_not_and_says_why(house: House, waiting: WorkflowHandle[Any, EditionResult]) -> None:
    anna = await house.visitor("anna")
    assert "reason: is empty" in await anna.deed(f"{HERE}/reject", HERE)
    await anna.deed(f"{HERE}/reject", HERE, reason="the wrong week")
    result = await asyncio.wait_for(waiting.result(), 60)
    assert result.approval is not None
    assert (result.approval.state, result.approval.note) == (ApprovalState.REJECTED, "the wrong week")
    assert [channel.state.value for channel in result.channels] == []


async def test_of_two_at_once_the_first_wins_and_the_second_is_told(
    house: House, waiting: WorkflowHandle[Any, EditionResult]
) -> None:
    anna, root = await house.visitor("anna"), await house.visitor("root")
    shown = await asyncio.gather(
        anna.deed(f"{HERE}/approve", HERE, preview="1"), root.deed(f"{HERE}/reject", HERE, reason="no")
    )
    done = ['role="status"' in text for text in shown]
    assert sorted(done) == [False, True]
    result = await asyncio.wait_for(waiting.result(), 60)
    assert result.approval is not None
    assert result.approval.by == ("anna" if done[0] else "root")
    assert ("anna" if done[0] else "root") in shown[done.index(False)].partition('role="alert"')[2]


async def test_a_preview_that_is_not_there_cannot_be_agreed_with(
    house: House, waiting: WorkflowHandle[Any, EditionResult]
) -> None:
    anna = await house.visitor("anna")
    for preview in ("7", "first"):
        assert 'role="alert"' in await anna.deed(f"{HERE}/approve", HERE, preview=preview)
    assert "Approve preview 1" in (await anna.get(HERE)).text


async def test_an_edition_that_nobody_is_asked_about_is_no_page(house: House) -> None:
    anna = await house.visitor("anna")
    assert (await anna.get("/teams/payments/editions/2026-W01/approval")).status_code == 404
    path = "/teams/payments/editions/2026-W01/approval"
    answer = await anna.post(f"{path}/approve", "/escalations")
    assert answer.status_code == 303
    assert "is not under way" in (await anna.get("/escalations")).text
    assert (await anna.post(f"{path}/edit", "/escalations")).status_code == 404
