"""Escalations on record, with everything that happened to each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "escalations",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("page", sa.Text, nullable=False, comment="id of the run in which it was opened"),
        sa.Column("team", sa.Text, nullable=False, comment="empty: it is of many"),
        sa.Column("service", sa.Text, nullable=False, comment="empty: it is of one workflow"),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False, comment="the same for alike failures"),
        sa.Column("failure", sa.Text, nullable=False, comment="without secrets"),
        sa.Column("reason", sa.Text, nullable=False, comment="a person's"),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False, comment="who was asked last"),
        sa.Column("decision", sa.Text, nullable=False, comment="empty: none was needed, or none is there yet"),
        sa.Column("decided_by", sa.Text, nullable=False, comment="a person, policy or healed"),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("subscribers", JSONB, nullable=False, comment="who waited, and what became of each"),
        sa.Column("told", JSONB, nullable=False, comment="who was told, and whether it arrived"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("resolved_at", sa.DateTime(timezone=True), comment="workflow time"),
        sa.Column("events", sa.Integer, nullable=False, comment="how many had happened"),
        sa.CheckConstraint(
            "state IN ('firing', 'acknowledged', 'snoozed', 'resolved')", name=op.f("ck_escalations_state")
        ),
        sa.PrimaryKeyConstraint("workflow_id", "page", name=op.f("pk_escalations")),
    )
    op.create_index(op.f("ix_escalations_fingerprint_opened_at"), "escalations", ["fingerprint", "opened_at"])
    op.create_index(op.f("ix_escalations_team_opened_at"), "escalations", ["team", "opened_at"])
    op.create_table(
        "escalation_events",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, comment="from 1"),
        sa.Column("team", sa.Text, nullable=False, comment="empty: it is of many"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False, comment="a person, a workflow or policy"),
        sa.Column("level", sa.Text, nullable=False, comment="who was asked, after it"),
        sa.Column("message", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("workflow_id", "page", "number", name=op.f("pk_escalation_events")),
    )


def downgrade() -> None:
    op.drop_table("escalation_events")
    op.drop_table("escalations")
