"""What another package needs to bring a step of recovery plans (docs/how-to/add-a-recovery-step.md).

A step is an async function from `StepRequest` to `StepResult`, marked with `@recovery_step` and named by an entry point
of the group `devsync.recovery_steps`. A worker that has the package installed serves it, on the queue of its service.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps

from temporalio import activity

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.names import SERVICES
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    Release,
    RepositoryData,
)
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.recovery.builtin import PREFIX
from devsync.storage.content import pack

__all__ = [
    "Author",
    "Commit",
    "FailedUnit",
    "JiraIssue",
    "ProjectData",
    "ProvenanceKind",
    "PullRequest",
    "Release",
    "RepositoryData",
    "StepRequest",
    "StepResult",
    "recovery_step",
    "stand_in",
]

Step = Callable[[StepRequest], Awaitable[StepResult]]

MARK = "recovery_step_name"
"""The attribute by which a worker knows a step."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def recovery_step(name: str) -> Callable[[Step], Step]:
    """Makes a step of an async function. `name` is `service.operation`, and the service is your own word: its queue is
    `service.{service}`. Raises ValueError and TypeError for what could not be served.

    The function fails by raising; the step then counts as failed, and the next one runs. It is tried again where the
    plan says so. Its time-out stands in the plan, too; `StepRequest.until` says when it is given up.
    """
    service = name.partition(".")[0]
    if not _NAME.fullmatch(name):
        raise ValueError(f'"{name}" is no name of a step; write service.operation in a-z, 0-9 and _')
    if service in SERVICES or name.startswith(PREFIX):
        raise ValueError(f'"{service}" has its queue already; name the service of "{name}" otherwise')

    def mark(step: Step) -> Step:
        if not inspect.iscoroutinefunction(step):
            raise TypeError(f"the step {name} is no async function; write `async def`")

        @activity.defn(name=name)
        @wraps(step)
        async def checked(message: StepRequest) -> StepResult:
            result = await step(message)
            if not isinstance(result, StepResult):
                # The workflow could not read it, and would stand still.
                raise TypeError(f"the step {name} gave a {type(result).__name__}; return a StepResult")
            return result

        setattr(checked, MARK, name)
        return checked

    return mark


def stand_in(
    unit: FailedUnit, data: RepositoryData | ProjectData, kind: ProvenanceKind, as_of: datetime
) -> UnitCollected:
    """Data for a unit that could not be collected: real data of the same source and window, never invented, never an
    older week's. `kind` and `as_of` say in the edition where it comes from and how old it is.

    It travels in the answer itself: 64 KB of it compressed, some 500 KB of text. Raises ValidationError for more.
    """
    packed = pack(data.model_dump_json().encode())
    return UnitCollected(
        unit=unit.unit,
        artifact=ArtifactRef.of_inline(packed.compressed, size=packed.size, kind="collected"),
        provenance=Provenance(kind=kind, as_of=as_of),
        api_calls=0,
        collected_at=datetime.now(UTC),
    )
