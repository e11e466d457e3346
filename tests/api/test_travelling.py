"""What of a program's objects travels: its errors, and what its steps give."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devsync.api.travelling import LEFT_OUT, ErrorElsewhere, NotGiven, answer, assessed, failed_unit, rebuilt
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity, RecoveryAction, RecoveryResult
from devsync.domain.exceptions import DataCollectionError

TOKEN = "ghp_" + "a" * 36


def context(**metadata: Any) -> ErrorContext:
    return ErrorContext(
        error=DataCollectionError("billing is away"),
        service="billing",
        operation="fetch",
        severity=ErrorSeverity.HIGH,
        team_id="payments",
        critical=True,
        metadata=metadata,
    )


def there_and_back(known: ErrorContext) -> ErrorContext:
    unit = failed_unit(known, assessed(known), "billing:fetch")
    return rebuilt(type(unit).model_validate_json(unit.model_dump_json()))


def given(**changes: Any) -> RecoveryResult:
    values = {"success": True, "action_taken": RecoveryAction.FALLBACK, "message": "a copy"}
    return RecoveryResult.model_validate(values | changes)


def test_another_process_knows_the_error_by_its_words() -> None:
    known = there_and_back(context(customer=7))
    assert isinstance(known.error, ErrorElsewhere)
    assert (known.error.type_name, str(known.error)) == ("DataCollectionError", "billing: billing is away")
    assert (known.category, known.severity) == (ErrorCategory.DATA_COLLECTION, ErrorSeverity.HIGH)
    assert (known.service, known.operation, known.team_id, known.critical) == ("billing", "fetch", "payments", True)
    assert known.metadata == {"customer": 7}


def test_metadata_of_any_kind_never_keep_an_error_from_travelling() -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError

    at = datetime(2026, 11, 23, tzinfo=UTC)
    ring: list[Any] = []
    ring.append(ring)
    known = there_and_back(context(at=at, odd=Odd(), ring=ring, many="x" * 100_000, path=Path("/a"), nan=math.nan))
    assert known.metadata == {
        "at": "2026-11-23T00:00:00Z",
        "path": "/a",
        "nan": None,
        LEFT_OUT: "odd, ring, many",
    }


def test_any_number_of_metadata_travels_within_bounds() -> None:
    unit = failed_unit(
        context(**{f"name_{number}": number for number in range(50_000)}), assessed(context()), "billing:fetch"
    )
    assert len(unit.model_dump_json()) < 20_000


def test_no_secret_travels_with_an_error_or_an_answer() -> None:
    unit = failed_unit(context(header=f"token {TOKEN}"), assessed(context()), "billing:fetch")
    brought = answer(given(message=f"asked with {TOKEN}", metadata={"asked": {"with": TOKEN}}))
    assert TOKEN not in unit.model_dump_json() + brought.model_dump_json()


def test_data_travel_as_json_says_them() -> None:
    brought = answer(given(fallback_data={"at": datetime(2026, 11, 23, tzinfo=UTC), "rows": (1, math.nan)}))
    assert brought.fallback_data == {"at": "2026-11-23T00:00:00Z", "rows": [1, None]}
    assert json.loads(brought.model_dump_json())["fallback_data"] == brought.fallback_data


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "gave a NoneType; give a RecoveryResult"),
        ({"success": True}, "gave a dict"),
        (given(fallback_data=object()), "gave fallback_data that cannot be written as JSON"),
        (given(fallback_data="x" * 300_000), "gave 292 KB of fallback_data, and 256 KB may be"),
        (given(metadata={"log": "x" * 9_000}), "gave 8 KB of metadata, and 8 KB may be"),
    ],
)
def test_what_a_step_may_not_give_is_told(value: object, problem: str) -> None:
    with pytest.raises(NotGiven, match=problem):
        answer(value)
