"""Reads what is sent to a run, by workers and by hand, and says what is wrong with it."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts.breaker import ModeDecision
from devsync.domain.breaker import refuse_impossible_end
from devsync.domain.model import Model
from devsync.domain.refusal import REFUSED, Refused
from workflows.shared.signals import with_refusal

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class RefusedMessages:
    """Signals that had no sense, with their number: an update's sender is told, a signal's reads it here."""

    def __init__(self, last: tuple[str, ...], count: int) -> None:
        self.last = last
        """The last ones with why, oldest first."""
        self.count = count

    def add(self, name: str, why: str) -> None:
        self.count += 1
        self.last = with_refusal(self.last, f"{name}: {why}", workflow.now())


def message(raw: RawValue, kind: type[T]) -> T:
    """Raises ApplicationError, type Refused."""
    try:
        read = workflow.payload_converter().from_payload(raw.payload, kind)
    except Exception as error:  # noqa: BLE001 (nonsense fails in any way, and may not fail the workflow task)
        raise refused(_why(error)) from None
    if not isinstance(read, kind):
        raise refused(f"not a {kind.__name__}")
    return read


def decision(raw: RawValue, kind: type[M]) -> M:
    """Likewise, and refuses unknown fields: who misspells `until` must not believe it to be heeded."""
    read = message(raw, kind)
    unknown = sorted(set(message(raw, dict)) - set(kind.model_fields))
    if unknown:
        raise refused(f"{unknown[0]}: not known here; there are {', '.join(kind.model_fields)}")
    return read


def understood(
    name: str, raw: RawValue, kind: type[M], refuse: Callable[[str], None], *, of_person: bool = False
) -> M | None:
    """What a signal brings; None where it makes no sense, which is recorded as refused."""
    try:
        return decision(raw, kind) if of_person else message(raw, kind)
    except ApplicationError as error:
        refuse(f"signal {name!r}: {error.message}")
        return None


def mode_decision(raw: RawValue) -> ModeDecision:
    """Likewise, and refuses an end that is past or too far away."""
    read = decision(raw, ModeDecision)
    if read.until is not None:
        try:
            refuse_impossible_end(read.until, workflow.now())
        except ValueError as error:
            raise refused(f"until: {error}") from None
    return read


def _why(error: Exception) -> str:
    """Without the values, which may be anything: `outcomes.failures: Input should be a valid integer`."""
    if not isinstance(error, ValidationError):
        return f"cannot be read ({type(error).__name__})"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    return f"{where}: {what}" if where else what


def refused(why: str, kind: str = REFUSED) -> ApplicationError:
    """To raise: nothing has changed, and the sender reads why."""
    return ApplicationError(why, type=kind, non_retryable=True)


def refused_by(rule: Refused) -> ApplicationError:
    """Likewise, where a rule of the domain refuses it."""
    return refused(str(rule), rule.kind)
