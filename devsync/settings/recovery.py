"""How what failed is recovered: the plans of config/recovery.yaml, checked so that each can be followed to its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, PositiveInt, RootModel, model_validator

from devsync.contracts.activities import RECOVERY_STEPS
from devsync.contracts.names import SERVICES
from devsync.domain.errors import ErrorCategory
from devsync.domain.model import Model
from devsync.domain.recovery.builtin import BUILTIN, PHASES
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.plan import (
    ANY,
    Escalates,
    Handles,
    Need,
    PlanStep,
    RecoveryPlan,
    StepRetry,
    StepState,
    When,
)
from devsync.settings.durations import PositiveDuration
from devsync.settings.problems import any_of, did_you_mean, problem_at
from devsync.settings.yaml_file import YamlFile, read_yaml

OWN_STEPS: Final = "devsync.recovery_steps"
"""The entry point group of steps that other packages bring: the name of an entry point is the name of its step."""

Phase = Literal["collect", "metrics", "render", "deliver", "any"]


class HandledPart(Model):
    """What a plan is for."""

    service: str
    """Whose failed units; `any` for all. A plan for the service goes before one for any."""
    phase: Phase
    """Where they failed. A plan for the phase goes before one for any."""
    categories: tuple[ErrorCategory, ...] = ()
    """For failures of these categories alone; such a plan goes before the others. Empty: all."""


class StepRetryPart(Model):
    """How a step is repeated that fails with something that may pass."""

    attempts: PositiveInt = 1
    """How often at most."""
    initial: PositiveDuration = StepRetry().initial
    """The longest wait before the second attempt."""
    factor: Annotated[float, Field(ge=1)] = StepRetry().factor
    """The wait grows by it from attempt to attempt."""


class WhenPart(Model):
    """Conditions; all that are given must hold, else the step is skipped and the record says why."""

    category: tuple[ErrorCategory, ...] = ()
    """At least one of the units that are left failed with one of these."""
    outcome: dict[str, tuple[StepState, ...]] = Field(default_factory=dict)
    """How earlier steps ended, by their ids."""
    fact: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What an earlier step must have found out: `{indicator: [major, critical]}`."""
    not_fact: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What no earlier step may have found out."""
    time_left: PositiveDuration | None = None
    """At least this long until the deadline."""


class StepPart(Model):
    """One step: it is given what is left to heal, and what it heals is not given to the next one."""

    id: str = Field(min_length=1, examples=["cached"])
    """Its name within the plan."""
    activity: str = Field(examples=["local.use_cached"])
    """What it does: one of ours, or one that another package brings."""
    timeout: PositiveDuration = Field(examples=["30s"])
    """For the whole step, its repetitions included; never longer than what is left until the deadline."""
    heartbeat: PositiveDuration | None = None
    """An attempt without a sign of life for this long has lost its worker; `github.collect_again` and
    `jira.collect_again` give one before each call."""
    retry: StepRetryPart = StepRetryPart()
    """Without it: one attempt."""
    depends_on: tuple[str, ...] = ()
    """Earlier steps that must have done their work, whatever they healed."""
    when: WhenPart = WhenPart()
    """Without it: always."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Given to the activity as they stand here: `{api: rest}`."""

    def step(self) -> PlanStep:
        return PlanStep(
            id=self.id,
            activity=self.activity,
            timeout=self.timeout,
            heartbeat=self.heartbeat,
            retry=StepRetry(attempts=self.retry.attempts, initial=self.retry.initial, factor=self.retry.factor),
            depends_on=self.depends_on,
            when=When(**dict(self.when)),
            arguments=self.arguments,
        )


class EscalatesPart(Model):
    """What of a plan's end reaches people."""

    ask: Need = Need.MISSING
    """When their decision is waited for, until the deadline: `missing`, where something has nothing at all; `stand_in`,
    also where something stands in; `never`."""
    tell: Need = Need.STAND_IN
    """When they are told at all; likewise."""
    default: Literal[Decision.USE_FALLBACK, Decision.SKIP, Decision.ABORT] = Decision.USE_FALLBACK
    """Taken when nobody has answered at the deadline. Where nothing stands in, `use_fallback` means `skip`."""


class PlanPart(Model):
    """One plan."""

    handles: Annotated[tuple[HandledPart, ...], Field(min_length=1)]
    """What it is for."""
    steps: tuple[StepPart, ...] = ()
    """From the best to the last resort."""
    escalates: EscalatesPart = EscalatesPart()
    """What of its end reaches people."""

    def plan(self, name: str) -> RecoveryPlan:
        return RecoveryPlan(
            name=name,
            handles=tuple(Handles(**dict(part)) for part in self.handles),
            steps=tuple(part.step() for part in self.steps),
            escalates=Escalates(**dict(self.escalates)),
        )

    @model_validator(mode="after")
    def _handles_known_services(self) -> Self:
        known = (*SERVICES, ANY)
        for index, part in enumerate(self.handles):
            if part.service not in known:
                cure = did_you_mean(part.service, known, f"write {any_of(known)}")
                raise problem_at(f'"{part.service}" is not a known service; {cure}', "handles", index, "service")
        return self

    @model_validator(mode="after")
    def _each_step_has_its_own_name(self) -> Self:
        seen = set()
        for index, step in enumerate(self.steps):
            if step.id in seen:
                raise problem_at(f'a step "{step.id}" is there already; give it another id', "steps", index, "id")
            seen.add(step.id)
        return self

    @model_validator(mode="after")
    def _steps_look_back_only(self) -> Self:
        later = {step.id: step for step in self.steps}
        earlier: list[str] = []
        for index, step in enumerate(self.steps):
            for at, named in _names_of_steps(step):
                if named not in earlier:
                    raise problem_at(_why_not(step.id, named, earlier, later), "steps", index, *at)
            earlier.append(step.id)
        return self

    @model_validator(mode="after")
    def _activities_are_there(self) -> Self:
        ours = [contract.name for contract in RECOVERY_STEPS]
        known = (*ours, *BUILTIN, *own_steps())
        phases = {phase for part in self.handles for phase in (PHASES if part.phase == ANY else (part.phase,))}
        for index, step in enumerate(self.steps):
            at = ("steps", index, "activity")
            if step.activity not in known:
                cure = did_you_mean(step.activity, known, f"there are {', '.join(known)}")
                raise problem_at(f'"{step.activity}" is not a step that anybody does; {cure}', *at)
            for phase in sorted(phases - set(BUILTIN.get(step.activity, PHASES))):
                cure = f"only in phase {any_of(BUILTIN[step.activity])}; remove it, or handle {phase} by another plan"
                raise problem_at(f'"{step.activity}" works {cure}', *at)
        return self


class RecoveryConfig(RootModel[dict[str, PlanPart]]):
    """All plans by name."""

    @property
    def plans(self) -> tuple[RecoveryPlan, ...]:
        return tuple(part.plan(name) for name, part in self.root.items())

    @model_validator(mode="after")
    def _no_two_plans_are_for_the_same(self) -> Self:
        seen: dict[tuple[str, str, frozenset[ErrorCategory]], str] = {}
        for name, plan in self.root.items():
            for index, part in enumerate(plan.handles):
                same = seen.setdefault((part.service, part.phase, frozenset(part.categories)), name)
                if (same, index) != (name, plan.handles.index(part)):
                    told = f'the plan "{same}" is for the same; remove one of both'
                    raise problem_at(told, name, "handles", index)
        return self


def read_recovery(path: Path) -> YamlFile[RecoveryConfig]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, RecoveryConfig)


def own_steps() -> tuple[str, ...]:
    """The names of the steps that installed packages bring. None of their code is loaded for it."""
    return _own_steps_on(tuple(sys.path))


@cache
def _own_steps_on(_path: tuple[str, ...]) -> tuple[str, ...]:
    """Asked for each plan of a file, and to look through all that is installed takes longer than to read the file."""
    return tuple(sorted({point.name for point in entry_points(group=OWN_STEPS)}))


def _names_of_steps(step: StepPart) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a step names others, and which."""
    for index, needed in enumerate(step.depends_on):
        yield ("depends_on", index), needed
    for named in step.when.outcome:
        yield ("when", "outcome", named), named


def _why_not(step: str, named: str, earlier: Sequence[str], steps: Mapping[str, StepPart]) -> str:
    if named not in steps:
        cure = did_you_mean(named, earlier, f"the steps before are {', '.join(earlier)}" if earlier else "remove it")
        return f'there is no step "{named}"; {cure}'
    if ring := _ring(step, named, steps):
        return f"{' → '.join(ring)} is a cycle; remove one of these dependencies"
    return f'"{named}" comes later; put it before "{step}"'


def _ring(start: str, at: str, steps: Mapping[str, StepPart], seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The steps that lead from `at` back to `start` by what they name; empty where none do."""
    if at == start:
        return (start, *seen, start)
    if at in seen or at not in steps:
        return ()
    for _, named in _names_of_steps(steps[at]):
        if ring := _ring(start, named, steps, (*seen, at)):
            return ring
    return ()
