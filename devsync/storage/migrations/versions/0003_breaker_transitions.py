"""Breakers on record: what happened to each, with who and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "breaker_transitions",
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False, comment="first run id: a re-created entity numbers anew"),
        sa.Column("number", sa.Integer, nullable=False, comment="from 1"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text, nullable=False),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False, comment="after it"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False, comment="a person, or breaker: the rules"),
        sa.Column("generation", sa.BigInteger, nullable=False, comment="after it"),
        sa.Column("until", sa.DateTime(timezone=True), comment="how long what began lasts at most"),
        sa.PrimaryKeyConstraint("service", "entity", "number", name=op.f("pk_breaker_transitions")),
    )
    op.create_index(op.f("ix_breaker_transitions_service_at"), "breaker_transitions", ["service", "at"])


def downgrade() -> None:
    op.drop_table("breaker_transitions")
