"""What people have decided not to ask for any more: the edition says so, and goes on saying what it lacks."""

import asyncio
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionStatus
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.decision import Decision
from tests.workflows.amendment.test_amendment import GONE, amendment_of, end_of
from tests.workflows.office import Office, serving, start
from tests.workflows.recovery_stage import EXPIRED, WEB, Ground, collected, heals
from tests.workflows.waits import until_idle

PAY = "jira:PAY"
DELIVERY = names.delivery_id("payments", "2026-W47", "slack-payments")


class Answering:
    """What the sources answer to an amendment: nothing, until a unit is in `there`."""

    def __init__(self) -> None:
        self.there: set[str] = set()

    def __call__(self, message: StepRequest) -> StepResult:
        return StepResult(healed=tuple(collected(unit.unit) for unit in message.units if unit.unit in self.there))


def partial(*others: str) -> tuple[Office, Answering]:
    """A copy of one repository stands in, of which people were told; others are missing altogether."""
    answering = Answering()
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED, only=[WEB])], "amend": [answering]}, has_own_pages=True)
    return Office(refused={WEB: EXPIRED, **dict.fromkeys(others, GONE)}, ground=ground), answering


def skip_of_github(office: Office) -> EscalationDecided:
    """What the page of that recovery tells."""
    assert office.ground is not None
    (page,) = {join.escalation_id for join in office.ground.joins if ":github." in join.subscriber.workflow_id}
    return EscalationDecided(escalation_id=page, decision=Decision.SKIP, by="anna", note="nobody needs it")


async def amended(
    environment: WorkflowEnvironment, office: Office, joins: int = 1
) -> WorkflowHandle[Any, AmendmentProgress]:
    """The amendment of the edition, as soon as it follows the page for all recoveries that told people, and rests."""
    await (await start(environment)).result()
    amendment, ground = amendment_of(environment), office.ground
    assert ground is not None
    while sum(join.subscriber.workflow_id == amendment.id for join in ground.joins) < joins:
        await asyncio.sleep(0.01)
    for _ in range(20):  # a round that was about to begin is over then, and no time passes for another one
        await asyncio.sleep(0.01)
        await until_idle(amendment)
        await until_idle(environment.client.get_workflow_handle(DELIVERY))
    return amendment


async def test_a_skip_of_all_ends_it_and_the_edition_promises_nothing_more(own_time: WorkflowEnvironment) -> None:
    office, _ = partial()
    async with serving(own_time, office):
        amendment = await amended(own_time, office)
        await amendment.signal("decided", skip_of_github(office))
        progress = await end_of(own_time)
    assert (progress.ended, progress.given_up) == ("skip, decided by anna (nobody needs it)", (WEB,))
    first, last = office.rendered[0].telling, office.rendered[-1].telling
    assert first.asks_until is not None
    assert (last.asks_until, last.asks_no_more_for, last.amended) == (None, (WEB,), None)
    assert [(record.result.revision, record.result.status) for record in office.records] == [
        (1, EditionStatus.PARTIAL), (2, EditionStatus.PARTIAL)
    ]  # fmt: skip
    (gap,) = office.records[-1].result.gaps
    assert (gap.unit, gap.stand_in) == (WEB, ProvenanceKind.CACHED)


async def test_what_was_skipped_stays_a_gap_of_what_is_healed_later(own_time: WorkflowEnvironment) -> None:
    office, answering = partial(PAY)
    async with serving(own_time, office):
        amendment = await amended(own_time, office, joins=2)
        await amendment.signal("decided", skip_of_github(office))
        while len(office.records) < 2:
            await asyncio.sleep(0.01)
        answering.there |= {PAY, WEB}
        progress = await end_of(own_time)
    meanwhile = office.rendered[1].telling
    assert meanwhile.asks_until is not None
    assert meanwhile.asks_no_more_for == (WEB,)
    assert (progress.ended, progress.healed) == ("nothing more is asked for", (PAY,))
    assert [gap.unit for gap in office.records[-1].result.gaps] == [WEB]


async def test_whoever_stops_it_is_told_in_the_edition(own_time: WorkflowEnvironment) -> None:
    office, _ = partial()
    async with serving(own_time, office):
        amendment = await amended(own_time, office)
        await amendment.signal("stop", {"by": "anna"})
        progress = await end_of(own_time)
    assert progress.ended == "stopped by anna: no reason given"
    last = office.rendered[-1].telling
    assert (last.asks_until, last.asks_no_more_for) == (None, (WEB,))
