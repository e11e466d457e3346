"""Whether the next step of a plan runs, and for how long. The time is passed in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from devsync.domain.errors import ErrorCategory
from devsync.domain.model import Model
from devsync.domain.recovery.plan import PlanStep, StepRecord, StepState

DID_ITS_WORK = (StepState.RESOLVED, StepState.SUCCEEDED)
SHORTEST_STEP = timedelta(seconds=1)
"""Less is no time: whatever a step does, it takes a worker that long to begin."""


class Situation(Model):
    """What is known when a step's turn comes."""

    past: tuple[StepRecord, ...] = ()
    """The steps before it, in their order."""
    categories: tuple[ErrorCategory, ...] = ()
    """Of what is left to heal."""
    time_left: timedelta
    """Until the deadline."""

    @property
    def facts(self) -> dict[str, str]:
        """What the steps have found out; the latest word counts."""
        return {name: value for record in self.past for name, value in record.facts.items()}


def why_skipped(step: PlanStep, situation: Situation) -> str:
    """The sentence that the record has of a step that does not run; empty where it runs."""
    return next(_objections(step, situation), "")


def time_for(step: PlanStep, now: datetime, deadline: datetime, *, is_last: bool) -> timedelta:
    """Its own time-out, or half of what is left until the deadline: those below it must have their turn. The last one
    has all of it."""
    left = max(deadline - now, timedelta(0))
    return min(step.timeout, left if is_last else left / 2)


def _objections(step: PlanStep, situation: Situation) -> Iterator[str]:
    if situation.time_left < SHORTEST_STEP:
        yield "no time is left until the deadline"
    states = {record.id: record.state for record in situation.past}
    for needed in step.depends_on:
        state = states.get(needed)
        if state not in DID_ITS_WORK:
            yield f"it depends on {needed}, which {_told(state)}"
    when = step.when
    if when.category and not set(when.category) & set(situation.categories):
        yield f"it is for {_any_of(when.category)}; what is left failed with {_any_of(situation.categories)}"
    for earlier, wanted in when.outcome.items():
        if states.get(earlier) not in wanted:
            yield f"it runs when {earlier} {_any_of(wanted)}; it {_told(states.get(earlier))}"
    yield from _objections_to_facts(step, situation.facts)
    if when.time_left is not None and situation.time_left < when.time_left:
        yield f"it needs {_shown(when.time_left)} until the deadline, and {_shown(situation.time_left)} are left"


def _objections_to_facts(step: PlanStep, facts: Mapping[str, str]) -> Iterator[str]:
    for fact, values in step.when.fact.items():
        if fact not in facts:
            yield f"it runs when {fact} is {_any_of(values)}; nobody has found out"
        elif facts[fact] not in values:
            yield f"it runs when {fact} is {_any_of(values)}; it is {facts[fact]}"
    for fact, values in step.when.not_fact.items():
        if facts.get(fact) in values:
            yield f"it does not run when {fact} is {facts[fact]}"


def _told(state: StepState | None) -> str:
    words = {None: "did not run", StepState.SKIPPED: "was skipped", StepState.TIMED_OUT: "timed out"}
    return words.get(state) or str(state)


def _any_of(values: Sequence[str]) -> str:
    return " or ".join(str(value) for value in dict.fromkeys(values)) or "nothing that is known"


def _shown(duration: timedelta) -> str:
    """In whole seconds, rounded down."""
    return str(timedelta(seconds=max(int(duration.total_seconds()), 0)))
