"""Errors, operations and recoveries name the run that they are of; calls that were refused are on record.

Until then the time told: a recovery was taken for that of each of its week's runs during which it began. Of what is on
record already it still tells where there is one such run only; what two runs may have asked for is no run's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_OF_WORK = "the run that a recovery or a delivery worked for; of one that was reset, its first run_id; null: run_id"
_OF_RECOVERIES = "the run that it worked for; null: a program asked, or an older build wrote"

_THE_ONLY_RUN = """
    UPDATE recoveries SET owner_run_id = found.run_id
      FROM (SELECT one.workflow_id, one.run_id AS recovery, min(runs.run_id) AS run_id
              FROM recoveries AS one
              JOIN runs ON runs.team = one.team AND runs.iso_week = one.iso_week
                       AND one.started_at BETWEEN runs.started_at AND runs.ended_at
             GROUP BY one.workflow_id, one.run_id
            HAVING count(*) = 1) AS found
     WHERE recoveries.workflow_id = found.workflow_id AND recoveries.run_id = found.recovery
"""


def upgrade() -> None:
    for table, comment in (("errors", _OF_WORK), ("operations", _OF_WORK), ("recoveries", _OF_RECOVERIES)):
        op.add_column(table, sa.Column("owner_run_id", sa.Text, comment=comment))
    for table in ("errors", "operations"):
        op.create_index(
            op.f(f"ix_{table}_owner_run_id"),
            table,
            ["owner_run_id"],
            postgresql_where=sa.text("owner_run_id IS NOT NULL"),
        )
    op.execute(_THE_ONLY_RUN)
    _let_kinds("'edition', 'phase', 'attempt', 'call', 'refusal'")


def downgrade() -> None:
    op.execute("DELETE FROM operations WHERE kind = 'refusal'")
    _let_kinds("'edition', 'phase', 'attempt', 'call'")
    for table in ("errors", "operations"):
        op.drop_index(op.f(f"ix_{table}_owner_run_id"), table)
    for table in ("errors", "operations", "recoveries"):
        op.drop_column(table, "owner_run_id")


def _let_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_operations_kind"), "operations")
    op.create_check_constraint(op.f("ck_operations_kind"), "operations", f"kind IN ({kinds})")
