"""Alerts on record, and what each look of the monitor found and measured."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text, nullable=False, comment="of one time that it fired"),
        sa.Column("team", sa.Text, nullable=False, comment="empty: of none, or of many"),
        sa.Column("key", sa.Text, nullable=False, comment="of the problem: rule and subject"),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("details", postgresql.JSONB, nullable=False),
        sa.Column("count", sa.Integer, nullable=False, comment="events behind it"),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("times_told", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("told_at", sa.DateTime(timezone=True), comment="when people were last told"),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.CheckConstraint("level IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_alerts_level")),
        sa.CheckConstraint("state IN ('firing', 'acknowledged', 'resolved')", name=op.f("ck_alerts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_opened_at"), "alerts", ["opened_at"])
    op.create_index(op.f("ix_alerts_team_opened_at"), "alerts", ["team", "opened_at"])
    op.create_table(
        "health_checks",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("reasons", postgresql.JSONB, nullable=False, comment="the worst first"),
        sa.Column("cpu_percent", sa.Float, comment="of the worker's machine"),
        sa.Column("memory_mb", sa.Float, comment="that the worker holds"),
        sa.Column("disk_free_mb", sa.Float),
        sa.Column("database_mb", sa.Float),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_health_checks")),
    )


def downgrade() -> None:
    op.drop_table("health_checks")
    op.drop_table("alerts")
