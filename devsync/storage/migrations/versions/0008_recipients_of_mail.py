"""A delivery of mail has a part for each recipient, and names it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column("target", sa.Text, nullable=False, server_default="", comment="of mail: the recipient"),
    )


def downgrade() -> None:
    op.drop_column("deliveries", "target")
