"""Runs on record say why they brought no edition."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column("failed_because", sa.Text, nullable=False, server_default="", comment="why there is no edition"),
    )


def downgrade() -> None:
    op.drop_column("runs", "failed_because")
