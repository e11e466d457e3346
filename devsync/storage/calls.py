"""API calls on record, counted in the words in which every page and command tells them."""

from typing import Final

from sqlalchemy import ColumnElement, func

from devsync.contracts.operations import OperationKind
from devsync.storage.tables import operations

CALL_KINDS: Final = (OperationKind.CALL.value, OperationKind.REFUSAL.value)


def call_counts() -> tuple[ColumnElement[int], ...]:
    """The columns of an `ApiCalls`, of rows of CALL_KINDS."""
    went_out = operations.c.kind == OperationKind.CALL.value
    return (
        func.count().filter(went_out).label("asked"),
        func.count().filter(went_out, operations.c.succeeded).label("answered"),
        func.count().filter(went_out, ~operations.c.succeeded).label("failed"),
        func.count().filter(~went_out).label("refused"),
    )
