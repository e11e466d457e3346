"""Errors on record: each failed attempt of an activity, classified."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "errors",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("activity_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, comment="from 1"),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False, comment="empty: work that belongs to no team"),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False, comment="HTTP status, or the API's own error code"),
        sa.Column("fingerprint", sa.Text, nullable=False, comment="the same for alike errors"),
        sa.Column("message", sa.Text, nullable=False, comment="without secrets"),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False, comment="the worker's clock"),
        sa.CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_errors_severity")),
        sa.PrimaryKeyConstraint("run_id", "activity_id", "attempt", name=op.f("pk_errors")),
    )
    op.create_index(op.f("ix_errors_occurred_at"), "errors", ["occurred_at"])
    op.create_index(op.f("ix_errors_team_occurred_at"), "errors", ["team", "occurred_at"])


def downgrade() -> None:
    op.drop_table("errors")
