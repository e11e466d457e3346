"""A run of the week and an amendment at the same time: each revision has one content, and the newest is the run's."""

import asyncio
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionResult
from tests.workflows.amendment.test_amendment import AGAIN, BROKEN, GONE, amendment_of
from tests.workflows.office import Office, serving, start
from tests.workflows.waits import until_idle

PAY, API = "jira:PAY", names.repository_unit("acme/api")
COMPOSE, RENDER = activities.COMPOSE_EDITION.name, activities.RENDER_EDITION.name
FIND = activities.FIND_PREVIOUS.name
LAST = 3
"""The revision in which a stopped amendment says that nobody asks any more: the content of the one before."""


def contents(office: Office) -> dict[int, set[str]]:
    """What each revision was on record."""
    found: dict[int, set[str]] = {}
    for record in office.records:
        found.setdefault(record.result.revision, set()).add(record.result.digest)
    return found


async def composed(office: Office, times: int) -> None:
    while len(office.composed) < times:
        await asyncio.sleep(0.01)


async def progress_of(amendment: WorkflowHandle[Any, AmendmentProgress]) -> AmendmentProgress:
    progress: AmendmentProgress = await amendment.query("progress", result_type=AmendmentProgress)
    return progress


async def stopped(environment: WorkflowEnvironment) -> AmendmentProgress:
    """Asked for its result only when it has one: this server sometimes forgets who waits."""
    amendment = amendment_of(environment)
    await amendment.signal("stop", {"by": "anna"})
    while (await amendment.describe()).status is WorkflowExecutionStatus.RUNNING:
        await asyncio.sleep(0.05)
    return await amendment.result()


async def partial(environment: WorkflowEnvironment) -> EditionResult:
    return await (await start(environment)).result()


async def test_what_answers_while_a_run_is_under_way_takes_no_number(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await partial(own_time)
            office.refused[PAY], office.holds[API] = GONE, asyncio.Event()
            office.was_asked.clear()
            run = await start(own_time)
            await office.was_asked[API].wait()
            office.answer_again.add(BROKEN)
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while len(office.asked[FIND]) < 3:  # the amendment does, when it has composed
                await asyncio.sleep(0.01)
            await until_idle(amendment_of(own_time))
            office.holds[API].set()
            second = await run.result()
            progress = await stopped(own_time)
    assert second.revision == 2
    assert contents(office) == {1: {office.records[0].result.digest}, 2: {second.digest}, LAST: {second.digest}}
    assert progress.revision == LAST


async def test_a_run_takes_the_place_of_an_amendment_that_makes_its_revision(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await partial(own_time)
            office.answer_again.add(BROKEN)
            office.holds[RENDER] = asyncio.Event()
            office.was_asked.clear()
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            await office.was_asked[RENDER].wait()  # it has its number
            office.refused[PAY] = GONE
            run = await start(own_time)
            await composed(office, 3)
            office.holds[RENDER].set()
            second = await run.result()
            await stopped(own_time)
    assert second.revision == 2
    assert contents(office) == {1: {office.records[0].result.digest}, 2: {second.digest}, LAST: {second.digest}}


async def test_the_run_goes_on_from_what_the_amendment_had_made(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE, PAY: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await partial(own_time)
            office.answer_again.add(BROKEN)
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while (await progress_of(amendment_of(own_time))).revision < 2:
                await asyncio.sleep(0.01)
            del office.refused[PAY]
            third = await (await start(own_time)).result()
            await stopped(own_time)
    assert third.revision == 3  # and 4 says that nobody asks any more
    assert {revision: len(digests) for revision, digests in contents(office).items()} == {1: 1, 2: 1, 3: 1, 4: 1}


async def test_an_amendment_that_stood_by_for_a_run_that_brought_nothing_goes_on(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await partial(own_time)
            office.holds[COMPOSE] = asyncio.Event()
            office.was_asked.clear()
            run = await start(own_time)
            await office.was_asked[COMPOSE].wait()
            await run.terminate()
            office.holds.pop(COMPOSE).set()
            office.answer_again.add(BROKEN)
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            progress = await amendment_of(own_time).result()
    assert (progress.ended, progress.revision) == ("everything is there", 2)
    assert office.asked[AGAIN]
