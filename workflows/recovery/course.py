"""What a recovery has come to: what stands for each unit, why the others failed, and its steps so far. No commands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from devsync.contracts.activities import (
    COLLECT_FROM_MIRROR,
    DERIVE_ISSUES,
    DERIVE_METRICS,
    PROGRAM_STEP,
    READ_STATUS_PAGE,
    contract_of,
)
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import IS_THERE, DeliveryOutcome
from devsync.contracts.names import repository_unit
from devsync.contracts.recovery import EditionSources, FailedUnit, RecoveryRequest, StepRequest, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import Failure, RecoveryAction, RecoveryResult
from devsync.domain.recovery.builtin import COLLECT, METRICS, PROGRAM, RENDER, operation_again
from devsync.domain.recovery.climbing import Situation
from devsync.domain.recovery.healing import Healing
from devsync.domain.recovery.plan import PlanStep, RecoveryPlan, StepRecord, StepState

DERIVING = frozenset({DERIVE_ISSUES.name, DERIVE_METRICS.name})
"""Steps of ours that make something of what others have collected."""


def is_deriving(plan: RecoveryPlan) -> bool:
    """Whether one of its steps is such."""
    return any(step.activity in DERIVING for step in plan.steps)


class StepEnd(NamedTuple):
    """What came of a step."""

    healed: tuple[str, ...] = ()
    """Units for which something better stands now."""
    attempts: int = 0
    message: str = ""
    facts: dict[str, str] = {}


class Course:
    def __init__(self, request: RecoveryRequest) -> None:
        self._request = request
        self._units = {unit.unit: unit for unit in request.units}
        self._revisions = {delivery.channel.key: delivery.revision for delivery in request.deliveries}
        """By channel: the one that is to get there."""
        self._collected: dict[str, UnitCollected] = {}
        self.healing = Healing(list(self._units))
        self.rendered: StepResult | None = None
        """Of phase `render`: the step that made all formats anew."""
        self.records: tuple[StepRecord, ...] = ()
        self.wants_people = False
        """A program's step has said that people are to know, although something stands in."""
        self._answers: dict[str, RecoveryResult] = {}
        """What a program's steps told, by their ids."""
        self._stands = ""
        """The id of the one whose answer is kept."""

    # What the next step must know.

    def situation(self, now: datetime) -> Situation:
        return Situation(
            past=self.records,
            categories=tuple(failure.category for failure in self.failures(self.healing.missing)),
            time_left=max(self._request.deadline - now, timedelta(0)),
        )

    def _sources_for(self, step: PlanStep) -> EditionSources:
        """What is live already only for those who may derive from it: while the store is away it carries its content,
        and no step more than it needs."""
        sources = self._request.sources
        is_ours = contract_of(step.activity) is not None
        return sources.model_copy(update={"collected": ()}) if is_ours and step.activity not in DERIVING else sources

    def message(self, step: PlanStep, units: Sequence[str], until: datetime) -> StepRequest:
        request = self._request
        return StepRequest(
            step=step.id,
            team=request.team,
            iso_week=request.iso_week,
            service=request.service,
            phase=request.phase,
            window=request.window,
            units=tuple(self._units[unit] for unit in units),
            sources=self._sources_for(step),
            render=request.render,
            arguments=step.arguments,
            facts=self.situation(until).facts,
            answers=_without_data(self._answers) if step.task_queue else {},
            until=until,
        )

    def failure(self, unit: str) -> Failure:
        """Its latest one."""
        return self._units[unit].failure

    def failures(self, units: Sequence[str]) -> tuple[Failure, ...]:
        return tuple(map(self.failure, units))

    def refused(self) -> tuple[str, ...]:
        """Units that have nothing because a circuit breaker let no call through."""
        return tuple(unit for unit in self.healing.missing if self._units[unit].failure.retry_at is not None)

    def why_useless(self, step: PlanStep) -> str:
        """Why there is nothing that the step could ask; empty where there is. Nobody need serve its queue then."""
        sources, service = self._request.sources, self._request.service
        if step.activity == READ_STATUS_PAGE.name and service not in sources.status_pages:
            return f"config/services.yaml names no status page of {service}"
        if step.activity == PROGRAM_STEP.name and not step.arguments:
            return "the program has registered no operation to repeat"
        mirrored = {repository_unit(repository) for repository in sources.mirrors}
        if step.activity == COLLECT_FROM_MIRROR.name and not mirrored & set(self.healing.missing):
            return "the team's file names no mirror of what is left"
        return ""

    def is_again(self, step: PlanStep) -> bool:
        """Whether the step repeats what failed as it was, so that what it brings is no stand-in. (A rendering is made
        anew in another style.)"""
        is_rendering = self._request.phase == RENDER
        return (
            not is_rendering
            and step.activity == operation_again(self._request.service, self._request.phase)
            and not step.arguments
        )

    # What a step brings.

    def take(self, step: PlanStep, result: StepResult) -> StepEnd:
        """Keeps what is better than what there was."""
        healed = [unit.unit for unit in result.healed if self._is_kept(unit)]
        is_live = self.is_again(step) or is_live_again(result.answer)
        healed += [unit for unit in result.healed_without_data if self.healing.take(unit, is_live=is_live)]
        if result.answer is not None:
            self._answers[step.id] = result.answer
            self._stands = step.id if healed else self._stands
            self.wants_people = self.wants_people or result.answer.escalation_required
        if result.renderings and self.rendered is None:
            self.rendered = result
        for name, failure in result.failures.items():
            self.note_failure(name, failure)
        return StepEnd(tuple(healed), result.attempts, result.message, result.facts)

    def _is_kept(self, unit: UnitCollected) -> bool:
        is_better = self.healing.take(unit.unit, is_live=unit.provenance.kind is ProvenanceKind.LIVE)
        if is_better:
            self._collected[unit.unit] = unit
        return is_better

    def note_failure(self, unit: str, failure: Failure) -> None:
        if unit in self._units:
            self._units[unit] = self._units[unit].model_copy(update={"failure": failure})

    def hear(self, outcome: DeliveryOutcome) -> None:
        """What the Delivery of a channel of ours reports. What is there is live, and so is, for us, what somebody has
        stopped: nobody wants it there by another way. (One that we have it drop has something that stands in.)"""
        unit = outcome.channel
        if outcome.revision < self._revisions.get(unit, 0):
            return
        if outcome.state in IS_THERE or (outcome.was_stopped and unit in self.healing.missing):
            self.healing.take(unit, is_live=True)
        elif outcome.setback is not None:
            self.note_failure(unit, outcome.setback)

    def record(self, step: PlanStep, state: StepState, end: StepEnd, started_at: datetime, now: datetime) -> None:
        self.records += (
            StepRecord(
                id=step.id,
                activity=step.activity,
                state=state,
                started_at=started_at,
                duration=now - started_at,
                attempts=end.attempts,
                healed=end.healed,
                message=end.message,
                facts=end.facts,
            ),
        )

    # What is left in the end.

    def leave_out_stand_ins(self) -> None:
        """Of what was collected, or a program has found: a rendering that stands in is the one there is, and what was
        sent has been read."""
        if self._request.phase in (COLLECT, METRICS, PROGRAM):
            for unit in self.healing.leave_out_stand_ins():
                self._collected.pop(unit, None)
                self._stands = ""

    @property
    def answers(self) -> dict[str, RecoveryResult]:
        """What a program's steps told; with its data only what stands."""
        standing = {name: answer for name, answer in self._answers.items() if name == self._stands}
        return _without_data(self._answers) | standing

    @property
    def collected(self) -> tuple[UnitCollected, ...]:
        return tuple(self._collected[unit] for unit in self._units if unit in self._collected)

    @property
    def healed_without_data(self) -> tuple[str, ...]:
        missing = self.healing.missing
        return tuple(unit for unit in self._units if unit not in self._collected and unit not in missing)

    @property
    def missing(self) -> tuple[FailedUnit, ...]:
        return tuple(self._units[unit] for unit in self.healing.missing)


def is_live_again(answer: RecoveryResult | None) -> bool:
    """Whether a program's step did what had failed: any other action brings something that stands in."""
    return answer is not None and answer.action_taken is RecoveryAction.RETRY and not answer.escalation_required


def _without_data(answers: dict[str, RecoveryResult]) -> dict[str, RecoveryResult]:
    """No message carries all that the steps before it have brought."""
    return {name: answer.model_copy(update={"fallback_data": None}) for name, answer in answers.items()}
