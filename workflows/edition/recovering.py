"""What failed goes to a recovery: one child workflow a service and phase, whose answer is data, gaps or an end."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError, is_cancelled_exception
from temporalio.workflow import ParentClosePolicy

from devsync.contracts import names
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import ChannelPlan
from devsync.contracts.edition import EditionPlan, RecoverySummary, RenderEdition, StepSummary
from devsync.contracts.recovery import EditionSources, FailedUnit, RecoveryReport, RecoveryRequest
from devsync.domain.changelog.edition import Gap, ProvenanceKind
from devsync.domain.errors import Failure
from devsync.domain.recovery.builtin import DELIVER, RENDER
from devsync.domain.recovery.plan import Need, RecoveryPlan
from devsync.runtime.channel_content import alternatives_of
from workflows.delivery.channels import RequestFor
from workflows.edition.missing import is_lost
from workflows.edition.units import Answer, Ask
from workflows.shared.waiting import unless_cancelled

Recovering = workflow.ChildWorkflowHandle[Any, RecoveryReport]
"""A recovery that was started."""

Recover = Callable[[RecoveryRequest], Awaitable[RecoveryReport]]
"""How whoever makes an edition has something recovered: the edition tells of it, its amendment asks nobody."""


class Answered(NamedTuple):
    """What the sources gave, with what stands in for the rest."""

    units: tuple[UnitCollected, ...]
    gaps: tuple[Gap, ...]
    """Of every unit that is not live."""
    failed: tuple[FailedUnit, ...]
    """Likewise: what an amendment asks for again."""


def failed_units(asks: Iterable[Ask], answers: Mapping[str, Answer]) -> tuple[FailedUnit, ...]:
    """Those of the asks that were answered by a failure."""
    failed = []
    for ask in asks:
        answer = answers[ask.unit]
        if isinstance(answer, Failure):
            failed.append(FailedUnit(unit=ask.unit, service=ask.service, failure=answer, ask=ask.message))
    return tuple(failed)


def collection_request(
    plan: EditionPlan,
    recovery: RecoveryPlan,
    phase: str,
    failed: tuple[FailedUnit, ...],
    collected: Sequence[UnitCollected],
    deadline: datetime,
) -> RecoveryRequest:
    return RecoveryRequest(
        team=plan.team,
        iso_week=plan.iso_week,
        service=failed[0].service,
        phase=phase,
        window=plan.window,
        plan=recovery,
        units=failed,
        sources=EditionSources(
            repositories=plan.repositories,
            projects=plan.projects,
            mirrors=plan.mirrors,
            status_pages=plan.status_pages,
            collected=tuple(collected),
        ),
        deadline=deadline,
        policies=plan.policies,
        escalation=plan.escalation,
    )


def rendering_request(
    plan: EditionPlan, recovery: RecoveryPlan, failed: FailedUnit, rendering: RenderEdition, deadline: datetime
) -> RecoveryRequest:
    return RecoveryRequest(
        team=plan.team,
        iso_week=plan.iso_week,
        service=names.LOCAL,
        phase=RENDER,
        window=plan.window,
        plan=recovery,
        units=(failed,),
        render=rendering,
        deadline=deadline,
        policies=plan.policies,
        escalation=plan.escalation,
    )


def channel_request(
    plan: EditionPlan,
    recovery: RecoveryPlan,
    channel: ChannelPlan,
    failure: Failure,
    request_for: RequestFor,
    deadline: datetime,
) -> RecoveryRequest:
    """With what may stand in for the channel: its alternatives, and the team's mails that are only a fallback."""
    mails = [other for other in plan.channels if other.only_as_fallback and other.key != channel.key]
    return RecoveryRequest(
        team=plan.team,
        iso_week=plan.iso_week,
        service=channel.kind,
        phase=DELIVER,
        window=plan.window,
        plan=recovery,
        units=(FailedUnit(unit=channel.key, service=channel.kind, failure=failure),),
        deliveries=(request_for(channel, ""),),
        alternatives={channel.key: tuple(request_for(other, channel.told) for other in alternatives_of(channel))},
        mails=tuple(request_for(mail, channel.told) for mail in mails),
        deadline=deadline,
        policies=plan.policies,
        escalation=plan.escalation,
    )


def without_people(request: RecoveryRequest) -> RecoveryRequest:
    """The same, but nobody is told or asked: what stands in is taken."""
    silent = request.plan.escalates.model_copy(update={"ask": Need.NEVER, "tell": Need.NEVER})
    return request.model_copy(update={"plan": request.plan.model_copy(update={"escalates": silent})})


async def start_recovery(request: RecoveryRequest, number: int) -> Recovering:
    """Starts the next free `recovery:{team}:{week}:{service}.{phase}:{n}`; cancelled with its edition, and on record as
    this run's own."""
    ours = request.model_copy(update={"owner_run_id": workflow.info().original_execution_run_id})
    while True:
        recovery_id = names.recovery_id(request.team, request.iso_week, request.service, request.phase, number)
        try:
            return await workflow.start_child_workflow(
                names.RECOVERY,
                ours,
                id=recovery_id,
                task_queue=names.EDITIONS_QUEUE,
                result_type=RecoveryReport,
                parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"{request.team} {request.iso_week}: {request.service}, {request.phase}: "
                f"{len(request.units)} failed",
            )
        except WorkflowAlreadyStartedError:
            number += 1  # one of an earlier run of the week is still ending


async def report_of(request: RecoveryRequest, recovery: Recovering) -> RecoveryReport:
    """Its report; where it could not make one, everything is still missing. Raises when it was cancelled with us."""
    try:
        return await unless_cancelled(recovery)
    except ChildWorkflowError as error:
        if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
            raise
        workflow.logger.warning("recovery %s ended without a report: %s", recovery.id, error.cause)
        return RecoveryReport(
            plan=request.plan.name,
            service=request.service,
            phase=request.phase,
            missing=request.units,
            workflow_id=recovery.id,
            run_id=recovery.first_execution_run_id or "",
            owner_run_id=workflow.info().original_execution_run_id,
        )


def last_failures(failed: Iterable[FailedUnit], reports: Iterable[RecoveryReport]) -> tuple[FailedUnit, ...]:
    """What failed, each with the newest that a recovery knows of why."""
    newest = {unit.unit: unit for unit in failed}
    for report in reports:
        newest |= {unit.unit: unit for unit in report.missing}
    return tuple(newest.values())


def with_stand_ins(
    live: Sequence[UnitCollected], failed: Sequence[FailedUnit], healed: Iterable[UnitCollected]
) -> Answered:
    """Everything that there is, and a gap for each unit that is not live, with what stands in for it."""
    found = {unit.unit: unit for unit in healed}
    not_live = [
        unit for unit in failed if unit.unit not in found or found[unit.unit].provenance.kind is not ProvenanceKind.LIVE
    ]
    return Answered(
        units=(*live, *found.values()),
        gaps=tuple(_gap(unit, found.get(unit.unit)) for unit in not_live),
        failed=tuple(not_live),
    )


def _gap(failed: FailedUnit, stand_in: UnitCollected | None) -> Gap:
    return Gap(
        unit=failed.unit,
        service=names.LOCAL if is_lost(failed) else failed.service,
        reason=failed.failure.message,
        category=failed.failure.category.value,
        as_of=stand_in.provenance.as_of if stand_in else None,
        stand_in=stand_in.provenance.kind if stand_in else None,
    )


def running_summary(workflow_id: str, request: RecoveryRequest) -> RecoverySummary:
    """Of a recovery that has just begun."""
    return RecoverySummary(
        workflow_id=workflow_id,
        service=request.service,
        phase=request.phase,
        plan=request.plan.name,
        units=tuple(unit.unit for unit in request.units),
    )


def summary_of(report: RecoveryReport) -> RecoverySummary:
    """The report in short, as the edition keeps it."""
    collected = [unit.unit for unit in report.healed]
    units = [*collected, *report.healed_without_data, *(unit.unit for unit in report.missing)]
    return RecoverySummary(
        workflow_id=report.workflow_id,
        service=report.service,
        phase=report.phase,
        plan=report.plan,
        units=tuple(dict.fromkeys(units)),
        outcome=report.outcome.value if report.outcome else "failed",
        steps=tuple(
            StepSummary(
                id=step.id, state=step.state, seconds=round(step.duration.total_seconds(), 3), healed=step.healed
            )
            for step in report.steps
        ),
        decision=report.decision.value if report.decision else "",
        decided_by=report.decided_by,
        escalations=report.escalations,
        has_told_the_end=report.has_told_the_end,
    )
