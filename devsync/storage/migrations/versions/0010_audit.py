"""The audit: a hash chain a team, which begins with what is on record already."""

from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from devsync.domain.audit import FIRST, AuditEntry, ChainedEntry, Head, chained

revision = "0010"
down_revision = "0009"

_AT_ONCE = 5000

_ON_RECORD = """
    SELECT team, 'error:' || run_id || ':' || activity_id || ':' || attempt AS id, occurred_at AS at, 'worker' AS actor,
           workflow_id AS what, service || '.' || operation AS action, 'failed' AS outcome,
           jsonb_build_object('category', category, 'severity', severity, 'code', code, 'fingerprint', fingerprint,
                              'message', message) AS context
    FROM errors
    UNION ALL
    SELECT team, 'escalation:' || workflow_id || ':' || page || ':' || number, at, actor, workflow_id, kind, message,
           jsonb_build_object('level', level)
    FROM escalation_events
    UNION ALL
    SELECT '', 'breaker:' || service || ':' || entity || ':' || number, at, actor, 'breaker:' || service, event,
           to_state, jsonb_build_object('from', from_state, 'mode', mode, 'reason', reason, 'generation', generation)
    FROM breaker_transitions
    UNION ALL
    SELECT team, 'recovery:' || workflow_id || ':' || run_id, ended_at, coalesce(nullif(decided_by, ''), 'recovery'),
           workflow_id, 'recover by ' || plan, outcome,
           jsonb_build_object('healed', healed, 'decision', decision, 'note', note, 'missing',
               (SELECT coalesce(string_agg(unit, ', ' ORDER BY unit), '') FROM jsonb_object_keys(missing) AS unit))
    FROM recoveries
    UNION ALL
    SELECT team, 'run:' || workflow_id || ':' || run_id || ':@', ended_at,
           coalesce(nullif(requested_by, ''), 'schedule'), workflow_id, 'make edition', status,
           jsonb_build_object('run_id', run_id, 'cancelled_because', cancelled_because,
                              'failed_because', failed_because)
    FROM runs WHERE ended_at IS NOT NULL
    UNION ALL
    SELECT team, 'delivery:delivery:' || team || ':' || iso_week || ':' || channel || ':' || revision || ':'
               || string_agg(DISTINCT state, ', ' ORDER BY state) || ':@',
           updated_at, 'delivery', 'delivery:' || team || ':' || iso_week || ':' || channel,
           'deliver revision ' || revision, string_agg(DISTINCT state, ', ' ORDER BY state),
           jsonb_build_object('parts', count(*), 'attempts', max(attempts), 'last_error', max(last_error))
    FROM deliveries GROUP BY team, iso_week, channel, revision, updated_at
    ORDER BY team, at, id
"""
"""What was written before there was an audit, in the order in which it happened; `@` stands for the instant."""

_KEEPS = """
    CREATE FUNCTION audit_keeps_its_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT FROM audit_heads WHERE team = OLD.team AND OLD.number <= cut_number
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the audit is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
    END $$
"""
"""Nothing is changed or removed by mistake; who owns the table can switch this off, and then the hashes tell."""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("team", sa.Text, nullable=False, comment="empty: of no team, or of many"),
        sa.Column("number", sa.BigInteger, nullable=False, comment="from 1 in each team's chain"),
        sa.Column("id", sa.Text, nullable=False, comment="follows from what happened"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it happened"),
        sa.Column("actor", sa.Text, nullable=False, comment="a person, or the part of the system that decided"),
        sa.Column("what", sa.Text, nullable=False, comment="what it was done to"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("context", JSONB, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, comment="of the entry and of the hash before"),
        sa.PrimaryKeyConstraint("team", "number", name=op.f("pk_audit")),
        sa.UniqueConstraint("team", "id", name=op.f("uq_audit_team_id")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False, comment="the newest entry's"),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("cut_number", sa.BigInteger, nullable=False, comment="retention has removed the entries up to it"),
        sa.Column("cut_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("team", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when the head was noted"),
        sa.PrimaryKeyConstraint("team", "number", name=op.f("pk_audit_anchors")),
    )
    # Nothing is added while what is there is read: a row that comes in between would have no entry.
    op.execute("LOCK TABLE errors, escalation_events, breaker_transitions, recoveries, runs, deliveries IN SHARE MODE")
    _chain_what_is_on_record()
    op.execute("ANALYZE audit")  # or plans for it would be made blindly, until autovacuum comes by
    op.execute(_KEEPS)
    op.execute(
        "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_keeps_its_entries()"
    )
    op.execute(
        "CREATE TRIGGER audit_is_never_emptied BEFORE TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps_its_entries()"
    )


def downgrade() -> None:
    """The audit is gone; what it told of stays in the other tables, as far as it stood there."""
    for table in ("audit_anchors", "audit_heads", "audit"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_keeps_its_entries()")


def _chain_what_is_on_record() -> None:
    connection = op.get_bind()
    names = ("team", "number", "id", "at", "actor", "what", "action", "outcome", "context", "hash")
    types: dict[str, Any] = {"at": sa.DateTime(timezone=True), "number": sa.BigInteger, "context": JSONB}
    audit = sa.table("audit", *(sa.column(name, types.get(name, sa.Text)) for name in names))
    heads = sa.table("audit_heads", *map(sa.column, ("team", "number", "hash", "cut_number", "cut_hash")))
    for team, entries in groupby(_entries(connection), key=lambda entry: entry.team):
        head, batch = Head(), []
        for row in chained(head, entries):
            batch.append(_row(row))
            head = Head(number=row.number, hash=row.hash)
            if len(batch) == _AT_ONCE:
                connection.execute(sa.insert(audit), batch)
                batch = []
        if batch:
            connection.execute(sa.insert(audit), batch)
        values = {"team": team, "number": head.number, "hash": head.hash, "cut_number": 0, "cut_hash": FIRST}
        connection.execute(sa.insert(heads), values)


def _entries(connection: sa.Connection) -> Iterator[AuditEntry]:
    rows = connection.execute(sa.text(_ON_RECORD).execution_options(stream_results=True, yield_per=_AT_ONCE))
    for row in rows.mappings():
        instant = row["at"].astimezone(UTC)
        id_ = row["id"]
        if id_.endswith(":@"):
            id_ = id_.removesuffix("@") + instant.isoformat()
        yield AuditEntry.model_validate({**row, "id": id_, "at": instant})


def _row(row: ChainedEntry) -> dict[str, Any]:
    return row.entry.model_dump() | {"number": row.number, "hash": row.hash}
