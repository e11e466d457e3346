"""A program's own functions as steps of recoveries: what brings fallback data, and the operation to be repeated."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from temporalio import activity

from devsync.api import own_code
from devsync.api.checks import expect, expect_callable
from devsync.api.core import Core
from devsync.api.travelling import rebuilt
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.names import PROGRAM
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.storage.content import pack

Source = Callable[..., Awaitable[Any] | Any]
"""Without arguments, or with one: the `ErrorContext` of the error that is being handled."""


@dataclass(frozen=True)
class Fallback:
    """What a source may return to say how old its data is. Raises TypeError for an instant that is none."""

    data: Any
    as_of: datetime
    """One without a timezone is local, as it is for Python."""

    def __post_init__(self) -> None:
        expect("as_of", self.as_of, datetime)


class OwnFunction:
    """A step that calls a function of the program.

    It is called in the loop of who waits for the recovery, where the program's clients live; else in the one that it
    was registered in, else in the core's. What it returns is stored as an artifact: the history has a reference. None
    is no data, and the step has failed then.
    """

    def __init__(self, core: Core, name: str, function: Source, kind: ProvenanceKind) -> None:
        """Raises TypeError for what is no function of at most one argument."""
        self._core = core
        self._name = name
        self._function = function
        self._kind = kind
        self.takes_context = _takes_one(function)
        try:
            self._home: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._home = None

    async def __call__(self, request: StepRequest) -> StepResult:
        workflow_id = activity.info().workflow_id or ""
        arguments = (rebuilt(request.units[0]),) if self.takes_context else ()
        home = self._core.waiting.get(workflow_id) or self._home
        found = await own_code.call(self._function, *arguments, loop=home)
        data, as_of = (found.data, found.as_of.astimezone(UTC)) if isinstance(found, Fallback) else (found, None)
        if data is None:
            raise LookupError(f"{self._name} has nothing")
        artifact = await self._stored(data, request.team)
        if workflow_id in self._core.waiting:
            self._core.kept[workflow_id] = artifact, data
        collected_at = datetime.now(UTC)
        units = tuple(
            UnitCollected(
                unit=unit.unit,
                artifact=artifact,
                provenance=Provenance(kind=self._kind, as_of=as_of),
                api_calls=0,
                collected_at=collected_at,
            )
            for unit in request.units
        )
        age = f", as of {as_of:%Y-%m-%d %H:%M:%S %Z}" if as_of is not None else ""
        return StepResult(healed=units, message=f"{self._name} answered{age}", attempts=activity.info().attempt)

    async def _stored(self, data: Any, team: str) -> ArtifactRef:
        try:
            content = to_json(data)
        except (PydanticSerializationError, ValueError) as error:
            raise TypeError(
                f"{self._name} gave what JSON cannot hold ({error}); return dicts, lists or models"
            ) from None
        if self._core.has_database:
            return await self._core.artifacts.put(content, kind=PROGRAM, team=team)
        packed = pack(content)
        return ArtifactRef.of_inline(packed.compressed, size=packed.size, kind=PROGRAM)


def _takes_one(function: Source) -> bool:
    """Whether it must be called with an argument. Raises TypeError where it can be called neither with none nor with
    one."""
    expect_callable("callback", function)
    signature = inspect.signature(function)
    for arguments in ((), (None,)):
        with suppress(TypeError):
            signature.bind(*arguments)
            return bool(arguments)
    raise TypeError(f"callback takes {signature}; write a function without arguments, or of the ErrorContext alone")
