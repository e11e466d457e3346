"""What our own store has lost of an edition is a named gap, and an amendment heals it when the store is back."""

import asyncio
from collections.abc import Sequence

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.changelog.edition import Gap
from tests.workflows.amendment.test_amendment import BROKEN, GONE, amendment_of, end_of
from tests.workflows.office import Office, serving, start
from workflows.edition import carrying

API = names.repository_unit("acme/api")
PAY = names.project_unit("PAY")


def ours(gaps: Sequence[Gap]) -> set[str]:
    """Units that are missing because of our own store."""
    return {gap.unit for gap in gaps if gap.service == names.LOCAL}


async def made(environment: WorkflowEnvironment) -> EditionResult:
    with environment.auto_time_skipping_disabled():
        return await (await start(environment)).result()


async def test_what_was_too_large_to_carry_is_collected_again(
    own_time: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_FOR_UNITS", 1_000)
    office = Office(carried={API: 2_000, BROKEN: 200})
    async with serving(own_time, office):
        result = await made(own_time)
        office.carried.clear()
        office.answer_again.add(API)
        progress = await end_of(own_time)
    assert (result.status, ours(result.gaps)) == (EditionStatus.PARTIAL, {API})
    assert office.rendered[0].telling.asks_until is not None
    assert (progress.ended, progress.healed, progress.revision) == ("everything is there", (API,), 2)
    assert office.records[-1].result.status is EditionStatus.COMPLETE


async def test_what_could_not_be_read_is_collected_again(own_time: WorkflowEnvironment) -> None:
    office = Office(unread={PAY})
    async with serving(own_time, office):
        result = await made(own_time)
        office.unread.clear()
        office.answer_again.add(PAY)
        progress = await end_of(own_time)
    assert ours(result.gaps) == {PAY}
    assert (progress.ended, progress.healed) == ("everything is there", (PAY,))
    assert office.records[-1].result.status is EditionStatus.COMPLETE


async def test_texts_that_were_cut_come_later(own_time: WorkflowEnvironment) -> None:
    office = Office(without_texts={API})
    async with serving(own_time, office):
        result = await made(own_time)
        office.without_texts.clear()
        office.answer_again.add(API)
        progress = await end_of(own_time)
    assert ours(result.gaps) == {API}
    assert (progress.ended, progress.healed) == ("everything is there", (API,))
    assert office.records[-1].result.status is EditionStatus.COMPLETE


async def test_what_comes_without_its_texts_is_added_and_asked_for_again(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, without_texts={BROKEN})
    async with serving(own_time, office):
        await made(own_time)
        office.answer_again.add(BROKEN)
        with own_time.auto_time_skipping_disabled():
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while len(office.records) < 2:
                await asyncio.sleep(0.01)
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while (await amendment_of(own_time).query("progress", result_type=AmendmentProgress)).tries < 2:
                await asyncio.sleep(0.01)
        composed_meanwhile = len(office.composed)
        office.without_texts.clear()
        progress = await end_of(own_time)
    second = office.records[1].result
    assert (second.status, ours(second.gaps)) == (EditionStatus.PARTIAL, {BROKEN})
    assert composed_meanwhile == 2, "what comes without texts once more makes no revision"
    assert (progress.ended, progress.revision, progress.healed) == ("everything is there", 3, (BROKEN,))


async def test_an_amendment_for_others_counts_what_our_store_has_lost(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, unread={PAY})
    async with serving(own_time, office):
        await made(own_time)
        office.answer_again.add(BROKEN)
        with own_time.auto_time_skipping_disabled():
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while len(office.records) < 2:
                await asyncio.sleep(0.01)
        office.unread.clear()
        office.answer_again.add(PAY)
        progress = await end_of(own_time)
    second = office.records[1].result
    assert (second.status, ours(second.gaps)) == (EditionStatus.PARTIAL, {PAY})
    told = office.rendered[1].telling
    assert told.asks_until is not None
    assert (progress.ended, progress.healed) == ("everything is there", (BROKEN, PAY))
