"""Which rows of errors and operations are a run's own: what it did itself, and what was done for it."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, or_


class RunKey(NamedTuple):
    """A run as `runs` names it."""

    team: str
    workflow_id: str
    run_id: str
    """`original_execution_run_id`."""


def done_for(table: Table, run: RunKey) -> ColumnElement[bool]:
    """Of `errors` and `operations`. A recovery's and a delivery's rows are those of the run that asked for them: their
    workflow ids are the week's, which its runs take in turn."""
    by_itself = and_(
        table.c.workflow_id == run.workflow_id, table.c.run_id == run.run_id, table.c.owner_run_id.is_(None)
    )
    return and_(table.c.team == run.team, or_(by_itself, table.c.owner_run_id == run.run_id))
