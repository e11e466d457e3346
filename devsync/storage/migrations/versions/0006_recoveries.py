"""Recoveries on record: what each came to, and how each of its steps went."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "recoveries",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("iso_week", sa.Text(collation="C"), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False, comment="collect, render, deliver"),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("healed", sa.Integer, nullable=False, comment="units for which something stands"),
        sa.Column("missing", JSONB, nullable=False, comment="the units without anything, each with why"),
        sa.Column("decision", sa.Text, nullable=False, comment="empty: nobody had to decide"),
        sa.Column("decided_by", sa.Text, nullable=False, comment="a person, or the policy with why"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("escalation_id", sa.Text, nullable=False, comment="the escalation that was joined"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.CheckConstraint(
            "outcome IN ('healed', 'stand_in', 'partial', 'failed', 'aborted')", name=op.f("ck_recoveries_outcome")
        ),
        sa.PrimaryKeyConstraint("workflow_id", "run_id", name=op.f("pk_recoveries")),
    )
    op.create_index(op.f("ix_recoveries_ended_at"), "recoveries", ["ended_at"])
    op.create_index(op.f("ix_recoveries_team_ended_at"), "recoveries", ["team", "ended_at"])
    op.create_table(
        "recovery_steps",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False, comment="from 1"),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False, comment="its id within the plan"),
        sa.Column("activity", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("healed", JSONB, nullable=False, comment="units"),
        sa.Column("message", sa.Text, nullable=False),
        sa.CheckConstraint(
            "state IN ('resolved', 'succeeded', 'failed', 'timed_out', 'skipped')",
            name=op.f("ck_recovery_steps_state"),
        ),
        sa.PrimaryKeyConstraint("workflow_id", "run_id", "number", name=op.f("pk_recovery_steps")),
    )


def downgrade() -> None:
    op.drop_table("recovery_steps")
    op.drop_table("recoveries")
