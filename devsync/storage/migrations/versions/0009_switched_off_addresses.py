"""Addresses of webhooks whose receivers have switched them off (410): nothing is sent there any more."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "switched_off_addresses",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False, comment="sha256: the address itself may be a secret"),
        sa.Column("switched_off_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.PrimaryKeyConstraint("team", "address", name=op.f("pk_switched_off_addresses")),
    )


def downgrade() -> None:
    op.drop_table("switched_off_addresses")
