"""Artifacts, pages of collections, editions, runs and deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def upgrade() -> None:
    # op.f: the name is complete; the naming convention would put its prefix before it again.
    op.create_table(
        "artifacts",
        sa.Column("digest", sa.Text, nullable=False, comment="sha256 of the uncompressed bytes, hexadecimal"),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False, comment="bytes, uncompressed"),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="zstd"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("digest", "team", name=op.f("pk_artifacts")),
    )
    op.create_table(
        "collection_pages",
        sa.Column("collection_id", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False, comment="pulls, commits, releases, issues"),
        sa.Column("page", sa.Integer, nullable=False, comment="from 1"),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("next_cursor", sa.Text, comment="null: the last page of its part"),
        sa.Column("digest", sa.Text, nullable=False, comment="sha256 of the uncompressed bytes, hexadecimal"),
        sa.Column("size", sa.Integer, nullable=False, comment="bytes, uncompressed"),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="zstd"),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("collection_id", "unit", "part", "page", name=op.f("pk_collection_pages")),
        sa.CheckConstraint("page > 0", name=op.f("ck_collection_pages_page")),
    )
    # zstd's output does not shrink further: PostgreSQL need not try.
    op.execute("ALTER TABLE artifacts ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE collection_pages ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "editions",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("iso_week", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("content_digest", sa.Text, nullable=False),
        sa.Column("completeness", sa.Float, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("unclassified_ratio", sa.Float, nullable=False),
        sa.Column("gaps", JSONB, nullable=False),
        sa.Column("contributors", JSONB, nullable=False),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("composed_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.Column("edition", JSONB, comment="reference to the stored edition: digest, size, kind"),
        sa.Column("renderings", JSONB, nullable=False, comment="references by format"),
        sa.PrimaryKeyConstraint("team", "iso_week", "revision", name=op.f("pk_editions")),
        sa.CheckConstraint("revision > 0", name=op.f("ck_editions_revision")),
        sa.CheckConstraint("completeness BETWEEN 0 AND 1", name=op.f("ck_editions_completeness")),
    )
    op.create_table(
        "runs",
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False, comment="original_execution_run_id: a reset keeps it"),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("iso_week", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("cancelled_because", sa.Text, nullable=False, comment="who cancelled it and why"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("seconds", JSONB, nullable=False, comment="workflow time by phase"),
        sa.Column("api_calls", JSONB, nullable=False, comment="by service"),
        sa.PrimaryKeyConstraint("workflow_id", "run_id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_team_started_at", "runs", ["team", "started_at"])
    op.create_table(
        "deliveries",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("iso_week", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False, comment="0 is the message, the others its thread"),
        sa.Column("kind", sa.Text, nullable=False, comment="slack, email, webhook, feed"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False, comment="the service's own id"),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("content_digest", sa.Text, nullable=False, comment="what stands there"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), comment="start of a send whose outcome is not known"),
        sa.Column("delivered_at", sa.DateTime(timezone=True), comment="first delivery; a later revision keeps it"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="workflow time"),
        sa.PrimaryKeyConstraint("team", "iso_week", "channel", "part", name=op.f("pk_deliveries")),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'uncertain', 'failed', 'queued', 'dead')",
            name=op.f("ck_deliveries_state"),
        ),
    )


def downgrade() -> None:
    for table in ("deliveries", "runs", "editions", "collection_pages", "artifacts"):
        op.drop_table(table)
