"""Operations on record, and counts of errors and operations by hour and day.

The counts are kept by triggers: whoever writes rows, and however often he tries, each row is counted with its being
there, in one transaction: for its team and for all teams together. Counts are changed in the order of their keys, so
that two writers cannot deadlock. They are the owner's to change: who adds a team's row need not see what all teams
have.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_COUNT_ERRORS = """
    INSERT INTO error_counts
    SELECT grain, date_trunc(grain, occurred_at, 'UTC') AS since, owner, fingerprint, severity, code,
           min(category), min(service), min(operation),
           count(*), min(occurred_at), max(occurred_at), (array_agg(message ORDER BY occurred_at DESC))[1]
      FROM {rows} CROSS JOIN (VALUES ('hour'), ('day')) AS grains (grain)
           CROSS JOIN LATERAL (VALUES (team), ('*')) AS owners (owner)
     GROUP BY grain, since, owner, fingerprint, severity, code
     ORDER BY grain, since, owner, fingerprint, severity, code
    ON CONFLICT (grain, since, team, fingerprint, severity, code) DO UPDATE
       SET count = error_counts.count + excluded.count,
           first_seen = least(error_counts.first_seen, excluded.first_seen),
           last_seen = greatest(error_counts.last_seen, excluded.last_seen),
           message = CASE WHEN excluded.last_seen >= error_counts.last_seen
                          THEN excluded.message ELSE error_counts.message END;
"""

_COUNT_OPERATIONS = """
    INSERT INTO operation_counts
    SELECT grain, date_trunc(grain, ended_at, 'UTC') AS since, owner, kind, service, operation,
           count(*), count(*) FILTER (WHERE NOT succeeded)
      FROM {rows} CROSS JOIN (VALUES ('hour'), ('day')) AS grains (grain)
           CROSS JOIN LATERAL (VALUES (team), ('*')) AS owners (owner)
     WHERE kind IN ('attempt', 'call')
     GROUP BY grain, since, owner, kind, service, operation
     ORDER BY grain, since, owner, kind, service, operation
    ON CONFLICT (grain, since, team, kind, service, operation) DO UPDATE
       SET count = operation_counts.count + excluded.count,
           failures = operation_counts.failures + excluded.failures;
"""


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("activity_id", sa.Text, nullable=False, comment="of a phase, its name; of an edition, empty"),
        sa.Column("attempt", sa.Integer, nullable=False, comment="from 1; of phases and editions 0"),
        sa.Column("number", sa.Integer, nullable=False, comment="of an attempt's calls, from 1"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False, comment="empty: work that belongs to no team"),
        sa.Column("service", sa.Text, nullable=False, comment="empty: a phase or an edition"),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the worker's clock; of a run, workflow time",
        ),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("succeeded", sa.Boolean, nullable=False),
        sa.Column("api_calls", sa.Integer, nullable=False, comment="of an attempt"),
        sa.Column("api_seconds", sa.Float, nullable=False, comment="of an attempt: its calls, one after the other"),
        sa.Column("peak_memory_mb", sa.Float, comment="of the process, during an attempt"),
        sa.Column("was_remembered", sa.Boolean, comment="null: it looks for nothing that was collected before"),
        sa.CheckConstraint("kind IN ('edition', 'phase', 'attempt', 'call')", name=op.f("ck_operations_kind")),
        sa.PrimaryKeyConstraint(
            "workflow_id", "run_id", "activity_id", "attempt", "number", name=op.f("pk_operations")
        ),
    )
    op.create_index(op.f("ix_operations_kind_ended_at"), "operations", ["kind", "ended_at"])
    op.create_table(
        "error_counts",
        *_beginning(),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.Text, nullable=False, comment="the latest one's"),
        sa.PrimaryKeyConstraint(
            "grain", "since", "team", "fingerprint", "severity", "code", name=op.f("pk_error_counts")
        ),
    )
    op.create_index(
        op.f("ix_error_counts_fingerprint_team_since"),
        "error_counts",
        ["fingerprint", "team", "since"],
        postgresql_where=sa.text("grain = 'day' AND team <> '*'"),
    )
    op.create_table(
        "operation_counts",
        *_beginning(),
        sa.Column("kind", sa.Text, nullable=False, comment="attempt, call"),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "grain", "since", "team", "kind", "service", "operation", name=op.f("pk_operation_counts")
        ),
    )
    op.execute(_COUNT_ERRORS.format(rows="errors"))
    _count_on_insert("errors", _COUNT_ERRORS)
    _count_on_insert("operations", _COUNT_OPERATIONS)


def downgrade() -> None:
    op.execute("DROP TRIGGER count_errors ON errors")
    op.execute("DROP FUNCTION count_errors()")
    op.drop_table("operations")
    op.execute("DROP FUNCTION count_operations()")
    op.drop_table("operation_counts")
    op.drop_table("error_counts")


def _beginning() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("grain", sa.Text, nullable=False, comment="how long it counts: hour, day"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="its beginning, in UTC"),
        sa.Column("team", sa.Text, nullable=False, comment="*: all of them together"),
    )


def _count_on_insert(table: str, count: str) -> None:
    op.execute(
        f"CREATE FUNCTION count_{table}() RETURNS trigger "
        "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS "
        f"$$ BEGIN {count.format(rows='added')} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER count_{table} AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION count_{table}()"
    )
