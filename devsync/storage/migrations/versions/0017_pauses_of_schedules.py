"""When a schedule was paused is found without reading the whole audit: one that is over still calls off its weeks."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_index(
        op.f("ix_audit_team_at"),
        "audit",
        ["team", "at"],
        postgresql_where=sa.text("action IN ('schedule.pause', 'schedule.resume')"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_team_at"), "audit")
