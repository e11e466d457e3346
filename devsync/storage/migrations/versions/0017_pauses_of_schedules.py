"""When a schedule was paused is found without reading the whole audit: a pause that is over still calls its weeks off."""

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
