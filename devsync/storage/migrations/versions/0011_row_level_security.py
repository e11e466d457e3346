"""Row-level security by team on every table, and the roles that it knows."""

from alembic import op

from devsync.storage import row_security

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # Tables that come later are secured at the end of each upgrade, by the same function: `migrate.upgrade`.
    row_security.secure(op.get_bind())


def downgrade() -> None:
    row_security.unsecure(op.get_bind())
