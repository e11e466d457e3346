"""What one step of a delivery plan works on, and what its channels have reported so far. No commands."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from devsync.contracts.delivery import DeliveryOutcome, DeliveryRequest, DeliveryState
from devsync.contracts.recovery import RecoveryRequest, StepResult
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.plan import PlanStep, StepState
from workflows.recovery.course import Course, StepEnd
from workflows.recovery.hearing import Hearing
from workflows.recovery.steps import StepFailed


class DeliveryStep(NamedTuple):
    request: RecoveryRequest
    course: Course
    hearing: Hearing
    step: PlanStep
    units: tuple[str, ...]
    """Keys of the channels that it is for."""
    until: datetime

    @property
    def not_live(self) -> tuple[str, ...]:
        """Those that do not have it themselves, by now: one may get there on its own."""
        return tuple(unit for unit in self.units if unit in self.course.healing.not_live)

    def missing(self, units: Collection[str]) -> tuple[str, ...]:
        """Those for which nothing stands, by now."""
        return tuple(unit for unit in self.course.healing.missing if unit in units)

    def deliveries_of(self, units: Collection[str]) -> list[DeliveryRequest]:
        return [delivery for delivery in self.request.deliveries if delivery.channel.key in units]

    def outcome(self, key: str) -> DeliveryOutcome | None:
        return self.hearing.outcomes.get(key)

    def is_settled(self, key: str) -> bool:
        """Whether that channel's Delivery tries no more."""
        outcome = self.outcome(key)
        return outcome is not None and outcome.state is not DeliveryState.PENDING

    def is_reported(self, key: str) -> bool:
        """Whether it has said what came of the tries that it was asked for."""
        outcome = self.outcome(key)
        return outcome is not None and (self.is_settled(key) or (outcome.tries > 0 and not outcome.tries_go_on))

    def retried(self, asked: Collection[str]) -> StepEnd:
        """The end of a step that had these channels tried again. Raises StepFailed where none has taken it."""
        told = [outcome.tries for key in asked if (outcome := self.outcome(key)) is not None]
        tries = max(told, default=1)  # of one that says nothing it is not known
        healed = tuple(unit for unit in self.units if unit not in self.not_live)
        if not healed:
            raise self._not_delivered(self.units, tries)
        return StepEnd(healed=healed, attempts=tries, message=self._told_of(healed))

    def stand_in(self, units: Sequence[str]) -> None:
        """Something stands in for these."""
        self.course.take(self.step, StepResult(healed_without_data=tuple(units)))

    def stood_in(self, stand_ins: Sequence[str], tried: Sequence[str]) -> StepEnd:
        """The end of a step that tried other channels. Raises StepFailed where none has taken it."""
        missing = self.missing(self.units)
        healed = tuple(unit for unit in self.units if unit not in missing)
        if not healed:
            raise self._not_delivered(tried, len(tried))
        message = f"stood in for by {', '.join(stand_ins)}" if stand_ins else self._told_of(healed)
        return StepEnd(healed=healed, attempts=len(tried), message=message)

    def _told_of(self, healed: Sequence[str]) -> str:
        """Of channels that need nothing any more."""
        outcomes = [outcome for unit in healed if (outcome := self.outcome(unit)) is not None]
        stopped = [f"somebody stopped {one.channel}: {one.reason}" for one in outcomes if one.was_stopped]
        return "; ".join(stopped) or "the channel took it"

    def _not_delivered(self, keys: Sequence[str], attempts: int) -> StepFailed:
        outcomes = [outcome for key in keys if (outcome := self.outcome(key)) is not None]
        setback = next((outcome.setback for outcome in outcomes if outcome.setback), None)
        if setback is not None:
            return StepFailed(setback, StepState.FAILED, attempts)
        ended = [outcome for outcome in outcomes if not outcome.tries_go_on]
        told = [f"{outcome.channel}: {outcome.state.value} {outcome.reason}".strip() for outcome in ended]
        message = "; ".join(told) or f"{', '.join(keys)} did not say in time what came of it"
        failure = Failure(category=ErrorCategory.DISTRIBUTION, message=message, is_retryable=True)
        return StepFailed(failure, StepState.FAILED if told else StepState.TIMED_OUT, attempts)
