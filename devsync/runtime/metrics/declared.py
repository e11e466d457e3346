"""Every metric of ours: its name, kind, labels, unit and meaning. Nothing is exported that does not stand here.

Labels take few values: services, operations, outcomes, teams. What grows with use (weeks, runs, repositories, people)
is in the records and in traces. The reference's page is made of this table.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from temporalio.common import MetricCounter, MetricGaugeFloat, MetricHistogramTimedelta, MetricMeter

Kind = Literal["counter", "gauge", "histogram"]

_SUFFIXES: Final[Mapping[Kind, str]] = {"counter": "_total", "gauge": "", "histogram": "_seconds"}
"""The exporter's: durations are the only histograms."""


class Metric(NamedTuple):
    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    meaning: str
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram; thresholds of alerts are among them, so that what crosses one is counted."""

    @property
    def exported(self) -> str:
        """As Prometheus knows it; of a histogram what `_bucket`, `_sum` and `_count` are added to."""
        return self.name + _SUFFIXES[self.kind]

    def counter(self, meter: MetricMeter) -> MetricCounter:
        return meter.create_counter(self.name, self.meaning)

    def gauge(self, meter: MetricMeter) -> MetricGaugeFloat:
        return meter.create_gauge_float(self.name, self.meaning)

    def durations(self, meter: MetricMeter) -> MetricHistogramTimedelta:
        return meter.create_histogram_timedelta(self.name, self.meaning)


BREAKER_CALLS: Final = Metric(
    "devsync_breaker_calls",
    "counter",
    ("service", "outcome"),
    "calls",
    "HTTP calls that went out: `success`, `failure` (counts against the service), `ignored` (our own mistake),"
    " `throttled`.",
)
BREAKER_REFUSALS: Final = Metric(
    "devsync_breaker_refusals",
    "counter",
    ("service", "why"),
    "calls",
    "Calls refused by our own breaker, which did not go out: `open`, `paused`, `probe` (all probes were taken).",
)
BREAKER_PROBES: Final = Metric(
    "devsync_breaker_probes", "counter", ("service", "outcome"), "calls", "Calls made under a lease while half-open."
)
BREAKER_TRANSITIONS: Final = Metric(
    "devsync_breaker_transitions",
    "counter",
    ("service", "to"),
    "transitions",
    "Changes of state or mode that this process has seen.",
)
BREAKER_STATE: Final = Metric(
    "devsync_breaker_state", "gauge", ("service",), "", "As this process acts: 0 closed, 1 half-open, 2 open."
)
BREAKER_PAUSED: Final = Metric(
    "devsync_breaker_paused", "gauge", ("service",), "", "1 while the service has asked for patience."
)
BREAKER_UNREACHABLE: Final = Metric(
    "devsync_breaker_unreachable",
    "gauge",
    ("service",),
    "",
    "1 while the entity does not answer and this process decides by itself.",
)
BREAKER_REPORT_LAG: Final = Metric(
    "devsync_breaker_report_lag",
    "histogram",
    ("service",),
    "seconds",
    "From the first outcome in a report until the server had taken it.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)

API_CALL: Final = Metric(
    "devsync_api_call",
    "histogram",
    ("service", "operation", "outcome"),
    "seconds",
    "Calls asked of outside services, from their admission to the end of reading, by the operation of the activity that"
    " made them; `outcome` is `success` (answered) or `failure` (failed). One that was interrupted, or that our own"
    " breaker refused (`devsync_breaker_refusals`), is none.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
ATTEMPTS: Final = Metric(
    "devsync_activity_attempts",
    "counter",
    ("service", "outcome"),
    "attempts",
    "Attempts of activities that ended: `success` or `failure`. The SDK counts them by activity type.",
)
FAILURES: Final = Metric(
    "devsync_activity_failures",
    "counter",
    ("service", "category"),
    "failures",
    "Failures by [category](errors.md): of attempts, and of units that a recovery's step could not heal.",
)
COLLECTIONS: Final = Metric(
    "devsync_collections",
    "counter",
    ("service", "found"),
    "collections",
    "Collections that succeeded, of sources that can tell: `remembered` (what the last one had collected still holds)"
    " or `changed`.",
)

EDITIONS: Final = Metric(
    "devsync_editions",
    "counter",
    ("team", "status", "made_by"),
    "editions",
    "What was made of a week, by how it ended: `complete`, `partial`, `rejected`, `aborted`, `cancelled`, `failed`; and"
    " by what made it: `run`, or `amendment` (revisions that amendments made of partial editions that were out, each"
    " once). No dry runs; one that only composed, and is told to deliver later, counts again then.",
)
EDITIONS_DELIVERED: Final = Metric(
    "devsync_editions_delivered",
    "counter",
    ("team", "status", "made_by"),
    "editions",
    "Of these, the ones that every channel which was asked for had at their end.",
)
EDITION_GENERATION: Final = Metric(
    "devsync_edition_generation",
    "histogram",
    ("status",),
    "seconds",
    "Workflow time of `complete` and `partial` editions, from the start of the run until it was delivered; waiting for"
    " reviewers is not part of it.",
    buckets=(1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1800, 7200),
)
DELIVERIES: Final = Metric(
    "devsync_deliveries",
    "counter",
    ("kind", "state"),
    "deliveries",
    "What became of revisions in channels, by the channel's kind: `delivered`, `kept` (a more complete one stands"
    " there), `uncertain`, `failed`, `dead`.",
)

LAST_DELIVERED: Final = Metric(
    "devsync_edition_last_delivered_timestamp_seconds",
    "gauge",
    ("team",),
    "seconds since 1970",
    "When a channel of the team last got an edition that it did not have, by the records. A team without any has none.",
)
OVERDUE: Final = Metric(
    "devsync_edition_overdue",
    "gauge",
    ("team",),
    "",
    "Of teams with a schedule: 1 while one of the last two editions that fell due is past its deadline and neither"
    " delivered nor called off (by a person, or by a pause of the schedule).",
)
ESCALATIONS_OPEN: Final = Metric(
    "devsync_escalations_open",
    "gauge",
    ("level", "state"),
    "escalations",
    "Escalations that are open in Temporal, by who was asked last, and `firing`, `acknowledged` or `snoozed`.",
)
FACTS_READ: Final = Metric(
    "devsync_facts_read_timestamp_seconds",
    "gauge",
    ("source",),
    "seconds since 1970",
    "When this process last read what the gauges above tell, from `records` and from `temporal`. They keep their values"
    " while the source is away.",
)

HEARTBEAT: Final = Metric(
    "devsync_worker_heartbeat_timestamp_seconds",
    "gauge",
    (),
    "seconds since 1970",
    "When the worker's event loop last had a turn: the endpoint answers also while that loop hangs.",
)
RESIDENT_MEMORY: Final = Metric(
    "devsync_process_resident_memory_bytes", "gauge", (), "bytes", "What the process holds now. Linux only."
)
PEAK_MEMORY: Final = Metric(
    "devsync_process_peak_memory_bytes", "gauge", (), "bytes", "The most that the process has ever held. Linux only."
)
SPOOL_QUEUED: Final = Metric(
    "devsync_spool_queued",
    "gauge",
    ("records",),
    "records",
    "`errors` and `operations` that wait to be written to the database.",
)
SPOOL_LOST: Final = Metric(
    "devsync_spool_lost", "counter", ("records",), "records", "Of these, the ones that were never written."
)

GROUPS: Final[Mapping[str, tuple[Metric, ...]]] = {
    "Calls and activities": (API_CALL, ATTEMPTS, FAILURES, COLLECTIONS),
    "Editions and deliveries": (EDITIONS, EDITIONS_DELIVERED, EDITION_GENERATION, DELIVERIES),
    "How things stand": (LAST_DELIVERED, OVERDUE, ESCALATIONS_OPEN, FACTS_READ),
    "Circuit breakers": (
        BREAKER_CALLS,
        BREAKER_REFUSALS,
        BREAKER_PROBES,
        BREAKER_TRANSITIONS,
        BREAKER_STATE,
        BREAKER_PAUSED,
        BREAKER_UNREACHABLE,
        BREAKER_REPORT_LAG,
    ),
    "The process": (HEARTBEAT, RESIDENT_MEMORY, PEAK_MEMORY, SPOOL_QUEUED, SPOOL_LOST),
}
"""As the reference shows them."""

METRICS: Final = tuple(metric for group in GROUPS.values() for metric in group)
