"""What the numbers of an alert were counted of, so that a person finds the same ones again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("counted", JSONB, comment="within which time, and of how many; null: nothing"))


def downgrade() -> None:
    op.drop_column("alerts", "counted")
