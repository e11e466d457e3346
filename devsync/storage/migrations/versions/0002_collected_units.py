"""What conditional collection remembers: finished units, and the validators of pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "collection_pages",
        sa.Column("etag", sa.Text, comment="what a conditional request for the same page sends"),
    )
    op.alter_column("collection_pages", "part", comment="pulls, commits, releases, graphql, issues")
    op.create_table(
        "collected_units",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "form", sa.Integer, nullable=False, comment="of the artifact: another build may map answers differently"
        ),
        sa.Column("artifact", JSONB, nullable=False, comment="reference to the stored data: digest, size, kind"),
        sa.Column(
            "validators", JSONB, nullable=False, comment="the conditional requests that tell whether it still holds"
        ),
        sa.Column("road", sa.Text, nullable=False),
        sa.Column("counts", JSONB, nullable=False),
        sa.Column("notes", JSONB, nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "unit", "window_start", "window_end", name=op.f("pk_collected_units")),
    )


def downgrade() -> None:
    op.drop_table("collected_units")
    op.alter_column("collection_pages", "part", comment="pulls, commits, releases, issues")
    op.drop_column("collection_pages", "etag")
