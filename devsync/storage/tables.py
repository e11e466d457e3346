"""The tables as this build knows them; `migrations/` makes them, and a test holds both equal.

Every table but SHARED names the team that owns the row: row-level security stands on that column. Texts
that people or services have written are Prose: no secret gets into them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from devsync.storage.columns import Prose, ProseInJson

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

OWNER = "the run that a recovery or a delivery worked for; of one that was reset, its first run_id; null: run_id"

artifacts = Table(
    "artifacts",
    metadata,
    # The team is part of the key: two teams that follow the same repository each own their copy.
    Column("digest", Text, primary_key=True, comment="sha256 of the uncompressed bytes, hexadecimal"),
    Column("team", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("size", Integer, nullable=False, comment="bytes, uncompressed"),
    Column("content", LargeBinary, nullable=False, comment="zstd"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

collection_pages = Table(
    "collection_pages",
    metadata,
    Column("collection_id", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("part", Text, primary_key=True, comment="pulls, commits, releases, graphql, issues"),
    Column("page", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("team", Text, nullable=False),
    Column("next_cursor", Text, comment="null: the last page of its part"),
    Column("etag", Text, comment="what a conditional request for the same page sends"),
    Column("digest", Text, nullable=False, comment="sha256 of the uncompressed bytes, hexadecimal"),
    Column("size", Integer, nullable=False, comment="bytes, uncompressed"),
    Column("content", LargeBinary, nullable=False, comment="zstd"),
    Column("stored_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("page > 0", name="page"),
)

collected_units = Table(
    "collected_units",
    metadata,
    Column("team", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("window_start", DateTime(timezone=True), primary_key=True),
    Column("window_end", DateTime(timezone=True), primary_key=True),
    Column("form", Integer, nullable=False, comment="of the artifact: another build may map answers differently"),
    Column("artifact", JSONB, nullable=False, comment="reference to the stored data: digest, size, kind"),
    Column("validators", JSONB, nullable=False, comment="the conditional requests that tell whether it still holds"),
    Column("road", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("notes", ProseInJson, nullable=False),
    Column("collected_at", DateTime(timezone=True), nullable=False),
)

editions = Table(
    "editions",
    metadata,
    Column("team", Text, primary_key=True),
    # The byte order of "2026-W47" is the order of time; a locale's need not be.
    Column("iso_week", Text(collation="C"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("completeness", Float, nullable=False),
    Column("item_count", Integer, nullable=False),
    Column("unclassified_ratio", Float, nullable=False),
    Column("gaps", ProseInJson, nullable=False),
    Column("contributors", JSONB, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("window_start", DateTime(timezone=True), nullable=False),
    Column("window_end", DateTime(timezone=True), nullable=False),
    Column("composed_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("edition", JSONB(none_as_null=True), comment="reference to the stored edition: digest, size, kind"),
    Column("renderings", JSONB, nullable=False, comment="references by format"),
    CheckConstraint("revision > 0", name="revision"),
    CheckConstraint("completeness BETWEEN 0 AND 1", name="completeness"),
)

runs = Table(
    "runs",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True, comment="original_execution_run_id: a reset keeps it"),
    Column("team", Text, nullable=False),
    Column("iso_week", Text(collation="C"), nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_by", Prose, nullable=False),
    Column("cancelled_because", Prose, nullable=False, comment="who cancelled it and why"),
    Column("failed_because", Prose, nullable=False, server_default="", comment="why there is no edition"),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("seconds", JSONB, nullable=False, comment="workflow time by phase"),
    Column("api_calls", JSONB, nullable=False, comment="by service"),
    Index(None, "team", "started_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("team", Text, primary_key=True),
    Column("iso_week", Text(collation="C"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("part", Integer, primary_key=True, comment="0 is the message, the others its thread"),
    Column("kind", Text, nullable=False, comment="slack, email, webhook, feed"),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("target", Text, nullable=False, server_default="", comment="of mail: the recipient"),
    Column("channel_id", Text, nullable=False, comment="the service's own id"),
    Column("message_id", Text, nullable=False),
    Column("content_digest", Text, nullable=False, comment="what stands there"),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Prose, nullable=False),
    Column("sent_at", DateTime(timezone=True), comment="start of a send whose outcome is not known"),
    Column("delivered_at", DateTime(timezone=True), comment="first delivery; a later revision keeps it"),
    Column("updated_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    CheckConstraint("state IN ('pending', 'delivered', 'uncertain', 'failed', 'queued', 'dead')", name="state"),
)

switched_off_addresses = Table(
    "switched_off_addresses",
    metadata,
    Column("team", Text, primary_key=True),
    Column("address", Text, primary_key=True, comment="sha256: the address itself may be a secret"),
    Column("switched_off_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
)

errors = Table(
    "errors",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("activity_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("workflow_id", Text, nullable=False),
    Column("team", Text, nullable=False, comment="empty: work that belongs to no team"),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("code", Text, nullable=False, comment="HTTP status, or the API's own error code"),
    Column("fingerprint", Text, nullable=False, comment="the same for alike errors"),
    Column("message", Prose, nullable=False, comment="without secrets"),
    Column("occurred_at", DateTime(timezone=True), nullable=False, comment="the worker's clock"),
    Column("owner_run_id", Text, comment=OWNER),
    CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
    Index(None, "occurred_at"),
    Index(None, "team", "occurred_at"),
    Index(None, "owner_run_id", postgresql_where=text("owner_run_id IS NOT NULL")),
)

operations = Table(
    "operations",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("activity_id", Text, primary_key=True, comment="of a phase, its name; of an edition, empty"),
    Column("attempt", Integer, primary_key=True, autoincrement=False, comment="from 1; of phases and editions 0"),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="of an attempt's calls, from 1"),
    Column("kind", Text, nullable=False),
    Column("team", Text, nullable=False, comment="empty: work that belongs to no team"),
    Column("service", Text, nullable=False, comment="empty: a phase or an edition"),
    Column("operation", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False, comment="the worker's clock; of a run, workflow time"),
    Column("seconds", Float, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("api_calls", Integer, nullable=False, comment="of an attempt"),
    Column("api_seconds", Float, nullable=False, comment="of an attempt: its calls, one after the other"),
    Column("peak_memory_mb", Float, comment="of the process, during an attempt"),
    Column("was_remembered", Boolean, comment="null: it looks for nothing that was collected before"),
    Column("owner_run_id", Text, comment=OWNER),
    CheckConstraint("kind IN ('edition', 'phase', 'attempt', 'call', 'refusal')", name="kind"),
    Index(None, "kind", "ended_at"),
    Index(None, "owner_run_id", postgresql_where=text("owner_run_id IS NOT NULL")),
)

# What triggers count as rows come in (migration 0012), so that nobody has to count a million of them.

ALL_TEAMS = "*"
"""In the place of a team, in counts: no team has such a name."""

error_counts = Table(
    "error_counts",
    metadata,
    Column("grain", Text, primary_key=True, comment="how long it counts: hour, day"),
    Column("since", DateTime(timezone=True), primary_key=True, comment="its beginning, in UTC"),
    Column("team", Text, primary_key=True, comment="*: all of them together"),
    # A fingerprint is made of category, service and operation: they need not be part of the key.
    Column("fingerprint", Text, primary_key=True),
    Column("severity", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    Column("message", Text, nullable=False, comment="the latest one's"),
    # Which teams met an error, over weeks.
    Index(None, "fingerprint", "team", "since", postgresql_where=text("grain = 'day' AND team <> '*'")),
)

operation_counts = Table(
    "operation_counts",
    metadata,
    Column("grain", Text, primary_key=True, comment="how long it counts: hour, day"),
    Column("since", DateTime(timezone=True), primary_key=True, comment="its beginning, in UTC"),
    Column("team", Text, primary_key=True, comment="*: all of them together"),
    Column("kind", Text, primary_key=True, comment="attempt, call"),
    Column("service", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
)

breaker_transitions = Table(
    "breaker_transitions",
    metadata,
    Column("service", Text, primary_key=True),
    Column("entity", Text, primary_key=True, comment="first run id: a re-created entity numbers anew"),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("event", Text, nullable=False),
    Column("from_state", Text, nullable=False),
    Column("to_state", Text, nullable=False),
    Column("mode", Text, nullable=False, comment="after it"),
    Column("reason", Prose, nullable=False),
    Column("actor", Prose, nullable=False, comment="a person, or breaker: the rules"),
    Column("generation", BigInteger, nullable=False, comment="after it"),
    Column("until", DateTime(timezone=True), comment="how long what began lasts at most"),
    Index(None, "service", "at"),
)

recoveries = Table(
    "recoveries",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("team", Text, nullable=False),
    Column("iso_week", Text(collation="C"), nullable=False),
    Column("plan", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("phase", Text, nullable=False, comment="collect, render, deliver"),
    Column("outcome", Text, nullable=False),
    Column("healed", Integer, nullable=False, comment="units for which something stands"),
    Column("missing", ProseInJson, nullable=False, comment="the units without anything, each with why"),
    Column("decision", Text, nullable=False, comment="empty: nobody had to decide"),
    Column("decided_by", Prose, nullable=False, comment="a person, or the policy with why"),
    Column("note", Prose, nullable=False),
    Column("escalation_id", Text, nullable=False, comment="the escalation that was joined"),
    Column("started_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("ended_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("owner_run_id", Text, comment="the run that it worked for; null: a program asked, or an older build wrote"),
    CheckConstraint("outcome IN ('healed', 'stand_in', 'partial', 'failed', 'aborted')", name="outcome"),
    Index(None, "ended_at"),
    Index(None, "team", "ended_at"),
)

recovery_steps = Table(
    "recovery_steps",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("team", Text, nullable=False),
    Column("step", Text, nullable=False, comment="its id within the plan"),
    Column("activity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("seconds", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("healed", JSONB, nullable=False, comment="units"),
    Column("message", Prose, nullable=False),
    CheckConstraint("state IN ('resolved', 'succeeded', 'failed', 'timed_out', 'skipped')", name="state"),
)

escalations = Table(
    "escalations",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("page", Text, primary_key=True, comment="id of the run in which it was opened"),
    Column("team", Text, nullable=False, comment="empty: it is of many"),
    Column("service", Text, nullable=False, comment="empty: it is of one workflow"),
    Column("policy", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, comment="the same for alike failures"),
    Column("failure", Prose, nullable=False, comment="without secrets"),
    Column("reason", Prose, nullable=False, comment="a person's"),
    Column("requested_by", Prose, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", Text, nullable=False, comment="who was asked last"),
    Column("decision", Text, nullable=False, comment="empty: none was needed, or none is there yet"),
    Column("decided_by", Prose, nullable=False, comment="a person, policy or healed"),
    Column("note", Prose, nullable=False),
    Column("subscribers", ProseInJson, nullable=False, comment="who waited, and what became of each"),
    Column("told", ProseInJson, nullable=False, comment="who was told, and whether it arrived"),
    Column("opened_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("resolved_at", DateTime(timezone=True), comment="workflow time"),
    Column("events", Integer, nullable=False, comment="how many had happened"),
    CheckConstraint("state IN ('firing', 'acknowledged', 'snoozed', 'resolved')", name="state"),
    Index(None, "fingerprint", "opened_at"),
    Index(None, "opened_at"),
    Index(None, "team", "opened_at"),
)

escalation_events = Table(
    "escalation_events",
    metadata,
    Column("workflow_id", Text, primary_key=True),
    Column("page", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("team", Text, nullable=False, comment="empty: it is of many"),
    Column("at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("kind", Text, nullable=False),
    Column("actor", Prose, nullable=False, comment="a person, a workflow or policy"),
    Column("level", Text, nullable=False, comment="who was asked, after it"),
    Column("message", Prose, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True, comment="of one time that it fired"),
    Column("team", Text, nullable=False, comment="empty: of none, or of many"),
    Column("key", Text, nullable=False, comment="of the problem: rule and subject"),
    Column("rule", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("summary", Prose, nullable=False),
    Column("details", ProseInJson, nullable=False),
    Column("count", Integer, nullable=False, comment="events behind it"),
    Column("counted", JSONB(none_as_null=True), comment="within which time, and of how many; null: nothing"),
    Column("acknowledged_by", Prose, nullable=False),
    Column("times_told", Integer, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    Column("told_at", DateTime(timezone=True), comment="when people were last told"),
    Column("resolved_at", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True), nullable=False, comment="workflow time"),
    CheckConstraint("level IN ('low', 'medium', 'high', 'critical')", name="level"),
    CheckConstraint("state IN ('firing', 'acknowledged', 'resolved')", name="state"),
    Index(None, "opened_at"),
    Index(None, "team", "opened_at"),
)

health_checks = Table(
    "health_checks",
    metadata,
    Column("at", DateTime(timezone=True), primary_key=True, comment="workflow time"),
    Column("band", Text, nullable=False),
    Column("reasons", ProseInJson, nullable=False, comment="the worst first"),
    Column("cpu_percent", Float, comment="of the worker's machine"),
    Column("memory_mb", Float, comment="that the worker holds"),
    Column("disk_free_mb", Float),
    Column("database_mb", Float),
)

audit = Table(
    "audit",
    metadata,
    Column("team", Text, primary_key=True, comment="empty: of no team, or of many"),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="from 1 in each team's chain"),
    Column("id", Text, nullable=False, comment="follows from what happened"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it happened"),
    Column("actor", Prose, nullable=False, comment="a person, or the part of the system that decided"),
    Column("what", Text, nullable=False, comment="what it was done to"),
    Column("action", Text, nullable=False),
    Column("outcome", Prose, nullable=False),
    Column("context", ProseInJson, nullable=False),
    Column("hash", Text, nullable=False, comment="of the entry and of the hash before"),
    UniqueConstraint("team", "id"),
    Index(None, "team", "at", postgresql_where=text("action IN ('schedule.pause', 'schedule.resume')")),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", BigInteger, nullable=False, comment="the newest entry's"),
    Column("hash", Text, nullable=False),
    Column("cut_number", BigInteger, nullable=False, comment="retention has removed the entries up to it"),
    Column("cut_hash", Text, nullable=False),
)

audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("team", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the head was noted"),
)

SHARED = frozenset({breaker_transitions.name, health_checks.name})
"""What belongs to no team: one breaker guards a service for all of them, and they share a machine."""

COUNTS = frozenset({error_counts.name, operation_counts.name})
"""What triggers count of other tables' rows."""
