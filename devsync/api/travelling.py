"""What of a program's own objects travels to Temporal and back: as JSON, bounded, without secrets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json, to_json

from devsync.contracts.recovery import FailedUnit, ProgramError
from devsync.domain.errors import ErrorContext, Failure, RecoveryResult
from devsync.domain.redaction import bounded
from devsync.runtime.classification import assess
from devsync.storage.prose import without_secrets

DATA_LIMIT_BYTES: Final = 256 * 1024
"""Of what a step gives, as JSON. Temporal takes 2 MB in one message, and the report of a recovery has one of them."""
METADATA_LIMIT_BYTES: Final = 8 * 1024
"""Of each metadata: those of all earlier steps travel to the next one."""

LEFT_OUT: Final = "left_out"
"""Among the metadata of an error: which of them have not travelled."""


class NotGiven(Exception):
    """What a step gave is not what a step may give; the message says how it is to be."""


class ErrorElsewhere(Exception):
    """An error that another process of the program met: its words are known here, the exception itself is not.

    `type_name` is the name of the exception's class.
    """

    def __init__(self, words: str, type_name: str) -> None:
        super().__init__(words)
        self.type_name = type_name


def assessed(context: ErrorContext) -> Failure:
    """What kind of failure the error is, as severe as it is there."""
    failure = assess(context, datetime.now(UTC))
    return failure.model_copy(update={"message": without_secrets(failure.message)})


def failed_unit(context: ErrorContext, failure: Failure, unit: str) -> FailedUnit:
    """The error as a recovery is told of it. Never raises: of metadata that cannot travel, only the names do."""
    return FailedUnit(
        unit=unit,
        service=context.service,
        failure=failure,
        error=ProgramError(
            operation=context.operation,
            error_type=type(context.error).__name__,
            team_id=context.team_id,
            user_facing=context.user_facing,
            critical=context.critical,
            metadata=_metadata(context.metadata),
        ),
    )


def rebuilt(unit: FailedUnit) -> ErrorContext:
    """What another process of the program knew of its error."""
    known, failure = unit.error or ProgramError(), unit.failure
    return ErrorContext(
        error=ErrorElsewhere(failure.message, known.error_type),
        service=unit.service,
        operation=known.operation,
        category=failure.category,
        severity=failure.severity,
        team_id=known.team_id,
        user_facing=known.user_facing,
        critical=known.critical,
        metadata=known.metadata,
    )


def answer(given: object) -> RecoveryResult:
    """What a step gave, as it travels. Raises NotGiven."""
    if not isinstance(given, RecoveryResult):
        raise NotGiven(f"gave a {type(given).__name__}; give a RecoveryResult")
    return given.model_copy(
        update={
            "message": bounded(without_secrets(given.message)),
            "fallback_data": _as_json(given.fallback_data, "fallback_data", DATA_LIMIT_BYTES),
            "metadata": without_secrets(_as_json(dict(given.metadata), "metadata", METADATA_LIMIT_BYTES)),
        }
    )


def _as_json(value: Any, what: str, limit_bytes: int) -> Any:
    """Raises NotGiven for what JSON has no word for, and for more than so many bytes."""
    try:
        written = to_json(value, inf_nan_mode="null")
    except (ValueError, RecursionError) as error:
        raise NotGiven(f"gave {what} that cannot be written as JSON: {error}") from error
    if len(written) > limit_bytes:
        raise NotGiven(
            f"gave {len(written) // 1024} KB of {what}, and {limit_bytes // 1024} KB may be: store it, and give a "
            "reference to it"
        )
    return from_json(written)


def _metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON; what is too large, or cannot be written, is named only."""
    travels: dict[str, Any] = {}
    left, left_out = METADATA_LIMIT_BYTES, []
    for name, value in given.items():
        try:
            written = to_json(value, inf_nan_mode="null", fallback=str)
        except (ValueError, RecursionError):
            written = None
        if written is None or len(written) + len(name) > left:
            left_out.append(name)
        else:
            left -= len(written) + len(name)
            travels[name] = without_secrets(from_json(written))
    return travels | ({LEFT_OUT: bounded(", ".join(left_out))} if left_out else {})
