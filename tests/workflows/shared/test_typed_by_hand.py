"""The signals of the runbook, typed with the real `temporal` command: every decision, and what people get wrong."""

from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.approval import ApprovalState
from devsync.contracts.edition import EditionStatus
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from tests.workflows.amendment.test_amendment import AGAIN, BROKEN, GONE, amendment_of
from tests.workflows.by_hand import Typed, all_are_refused, nonsense, says, type_in
from tests.workflows.edition.test_approval import asking, progress_of, until_asked, until_shown
from tests.workflows.escalation_stage import escalation_stage
from tests.workflows.office import Office, serving, start
from tests.workflows.recovery.test_recovery_people import until_asked as until_people_are_asked
from tests.workflows.recovery_stage import API, AWAY, Ground, heals, plan_of, request, stage, step
from workflows.recovery.recovery import Recovery

pytestmark = pytest.mark.timeout(120)

OVER = "failed signalling workflow"
WRONG_DECISIONS = [
    Typed("resolve", says(by="anna"), "decision: is missing"),
    Typed("resolve", says(by="anna", decision="retri"), "decision: Input should be 'retry', 'use_fallback', 'skip' or"),
    Typed("resolve", says(by="anna", decision=["skip"]), "decision: Input should be 'retry'"),
]
PLAN = plan_of(step("retry", "github.collect_again"), step("cached"))


@pytest.mark.parametrize("decision", list(Decision))
async def test_every_decision_comes_back_from_an_escalation(own_time: WorkflowEnvironment, decision: Decision) -> None:
    client = own_time.client
    async with escalation_stage(own_time) as on:
        (waiting,) = await on.waiting()
        with on.at_rest():
            await on.join(waiting.id)
            await on.told("#leads")

            async def refused() -> Sequence[str]:
                return (await on.view()).refused

            good = {"by": "anna", "decision": decision.value}
            if decision is Decision.RETRY:
                await all_are_refused(on.handle, client, [*nonsense("resolve", **good), *WRONG_DECISIONS], refused)
            await type_in(client, on.escalation_id, "acknowledge", *says(by="anna"))
            twice = [Typed("acknowledge", says(by=by), "anna has acknowledged it already") for by in ("anna", "ben")]
            await all_are_refused(on.handle, client, twice, refused)
            await type_in(client, on.escalation_id, "resolve", *says(**good, note="as agreed"))
            (told,) = await waiting.result()
        await on.result()
        with pytest.raises(RuntimeError, match=OVER):
            await type_in(client, on.escalation_id, "resolve", *says(**good))
    assert (told.decision, told.by, told.note) == (decision, "anna", "as agreed")


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (Decision.RETRY, RecoveryOutcome.HEALED),
        (Decision.USE_FALLBACK, RecoveryOutcome.PARTIAL),
        (Decision.SKIP, RecoveryOutcome.FAILED),
        (Decision.ABORT, RecoveryOutcome.ABORTED),
    ],
)
async def test_every_decision_is_followed_by_a_recovery(
    own_time: WorkflowEnvironment, decision: Decision, outcome: RecoveryOutcome
) -> None:
    ground = Ground({"retry": [AWAY, heals()], "cached": [heals(ProvenanceKind.CACHED, only=[API])]})
    async with stage(own_time, ground) as on:
        await on.with_escalation()
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), plan=PLAN))
            await until_people_are_asked(on, handle)
            good = {"by": "anna", "decision": decision.value}
            if decision is Decision.RETRY:
                wrong = [*nonsense("resolve", **good), *WRONG_DECISIONS, *nonsense("escalate", by="anna")]
                await all_are_refused(handle, own_time.client, wrong, lambda: refused_by(handle))
            await type_in(own_time.client, handle.id, "resolve", *says(**good, note="as agreed"))
            report = await handle.result()
            with pytest.raises(RuntimeError, match=OVER):
                await type_in(own_time.client, handle.id, "resolve", *says(**good))
    assert (report.outcome, report.decision, report.decided_by) == (outcome, decision, "anna")


async def refused_by(handle: WorkflowHandle[Recovery, RecoveryReport]) -> Sequence[str]:
    return (await handle.query(Recovery.progress)).refused_messages


async def test_an_amendment_takes_what_makes_sense_and_nothing_else(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            amendment = amendment_of(own_time)

            async def refused() -> Sequence[str]:
                progress: AmendmentProgress = await amendment.query("progress", result_type=AmendmentProgress)
                return progress.refused_messages

            wrong = [*nonsense("try_now", by="anna"), *nonsense("stop", by="anna", reason="enough")]
            await all_are_refused(amendment, own_time.client, wrong, refused)
            assert AGAIN not in office.asked
            await type_in(own_time.client, amendment.id, "try_now", *says(by="anna"))
            await office.was_asked[AGAIN].wait()
            await type_in(own_time.client, amendment.id, "stop", *says(by="anna", reason="enough"))
            progress = await amendment.result()
            with pytest.raises(RuntimeError, match=OVER):
                await type_in(own_time.client, amendment.id, "stop", *says(by="ben"))
    assert progress.ended == "stopped by anna: enough"


WRONG_EDITS = [
    Typed("edit", says(by="anna"), "it changes nothing"),
    Typed("edit", says(by="anna", hide="PAY-1"), "hide: Input should be"),
    Typed("edit", says(by="anna", retitle=["PAY-1"]), "retitle: Input should be"),
]


@pytest.mark.parametrize(
    ("answer", "said", "state", "status"),
    [
        ("approve", {"note": "good"}, ApprovalState.APPROVED, EditionStatus.COMPLETE),
        ("reject", {"reason": "wrong week"}, ApprovalState.REJECTED, EditionStatus.REJECTED),
    ],
)
async def test_reviewers_answer_by_hand(
    own_time: WorkflowEnvironment, answer: str, said: dict[str, Any], state: ApprovalState, status: EditionStatus
) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)

            async def refused() -> Sequence[str]:
                return (await progress_of(handle)).refused_messages

            wrong = nonsense(answer, by="anna", **said)
            if answer == "approve":
                wrong += [*nonsense("edit", by="anna", hide=["PAY-1"]), *WRONG_EDITS]
            await all_are_refused(handle, own_time.client, wrong, refused)
            progress = await progress_of(handle)
            assert progress.approval is not None
            assert progress.approval.state is ApprovalState.WAITING
            assert len(office.composed) == 1
            await type_in(own_time.client, handle.id, "edit", *says(by="ben", hide=["PAY-1"]))
            await until_shown(handle, 2)
            await type_in(own_time.client, handle.id, answer, *says(by="anna", **said))
            result = await handle.result()
            with pytest.raises(RuntimeError, match=OVER):
                await type_in(own_time.client, handle.id, "approve", *says(by="anna"))
    assert result.approval is not None
    assert (result.status, result.approval.state, result.approval.by) == (status, state, "anna")
    assert result.approval.edited_by == ("ben",)


async def test_an_edition_is_asked_about_by_hand(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)

            async def refused() -> Sequence[str]:
                return (await progress_of(handle)).refused_messages

            wrong = nonsense("escalate", by="anna", reason="half of it is missing")
            await all_are_refused(handle, own_time.client, wrong, refused)
            assert office.joined == []
            await type_in(own_time.client, handle.id, "escalate", *says(by="anna", reason="half of it is missing"))
            while not (await progress_of(handle)).escalations:
                pass
            await type_in(own_time.client, handle.id, "reject", *says(by="anna"))
            await handle.result()
    assert [join.reason for join in office.joined] == ["half of it is missing"]
