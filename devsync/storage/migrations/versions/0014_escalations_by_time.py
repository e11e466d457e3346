"""Lists of escalations ask for the last ones that were opened, of all teams."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index(op.f("ix_escalations_opened_at"), "escalations", ["opened_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_escalations_opened_at"), "escalations")
