"""The names that people, tools and running workflows rely on. Changing one breaks runs that are in flight."""

import re
from typing import NamedTuple

from temporalio.common import SearchAttributeKey

EDITION_TRIGGER = "EditionTrigger"
WEEKLY_CHANGELOG = "WeeklyChangelog"
DELIVERY = "Delivery"
RECOVERY = "Recovery"
ESCALATION = "Escalation"
AMENDMENT = "Amendment"
SOURCE_REFRESH = "SourceRefresh"
CIRCUIT_BREAKER = "CircuitBreaker"
RECORD_KEEPING = "RecordKeeping"
HEALTH_MONITOR = "HealthMonitor"

EDITIONS_QUEUE = "editions"
"""Workflows that make editions, and their local activities."""
CONTROL_QUEUE = "control"
"""Workflows around an edition (what starts it, and what outlives it), and their local activities."""
WORKFLOW_QUEUES = (EDITIONS_QUEUE, CONTROL_QUEUE)
"""All others are for activities of services."""


def service_queue(service: str) -> str:
    """The activity task queue of one outside service, so that a fleet-wide rate can be declared for it."""
    return f"service.{service}"


def program_queue(name: str) -> str:
    """The activity task queue of another program, which runs its own steps of recoveries itself. The name is the
    program's own and stable: what a process that died has not done, the next one may do."""
    return f"{PROGRAM}.{name}"


PROGRAM = "program"
"""The service of what other programs do themselves, and have asked for through the Python API."""

GITHUB = "github"
JIRA = "jira"
SLACK = "slack"
EMAIL = "email"
WEBHOOK = "webhook"
CALENDAR = "calendar"
GIT_MIRROR = "git_mirror"
STATUS = "status"
"""The services' own status pages."""
CHANNEL_KINDS = (SLACK, EMAIL, WEBHOOK)
"""Services that take an edition out."""
LOCAL = "local"
"""Database and rendering: our own machine's work. It has no queue: a run's own worker does it."""

SERVICES = (GITHUB, JIRA, SLACK, EMAIL, WEBHOOK, CALENDAR, GIT_MIRROR, STATUS, LOCAL)
WITH_QUEUE = tuple(service for service in SERVICES if service != LOCAL)
UNGUARDED = (WEBHOOK, CALENDAR, GIT_MIRROR, STATUS, LOCAL)
"""Services without a circuit breaker: many hosts under one name, of which one that is down says nothing of the rest;
and our own machine."""


SCHEDULE_PREFIX = "changelog:"
"""Of our schedules in a namespace that others may use as well."""


def schedule_id(team: str) -> str:
    return f"{SCHEDULE_PREFIX}{team}"


def due_id(team: str) -> str:
    """The server adds the time: `due:payments-2026-11-23T08:00:00Z`, in whole seconds of UTC."""
    return f"due:{team}"


def edition_id(team: str, iso_week: str) -> str:
    """The workflow id is the lock: one run of a team's week at a time."""
    return f"changelog:{team}:{iso_week}"


def preview_id(team: str, iso_week: str) -> str:
    return f"preview:{team}:{iso_week}"


class WeekKey(NamedTuple):
    kind: str
    """`changelog`, `preview` or `amendment`."""
    team: str
    iso_week: str


def week_key(workflow_id: str) -> WeekKey | None:
    """Which team's week a workflow makes, tries out or amends; None for any other workflow."""
    key = workflow_id.split(":")
    return WeekKey(*key) if len(key) == 3 and key[0] in {"changelog", "preview", "amendment"} else None


def slack_key(channel: str) -> str:
    """The key of a Slack channel: `slack-payments` of `#payments`."""
    return f"{SLACK}-{channel.lstrip('#')}"


REVIEWERS_PREFIX = "approval-"
"""Of the key of a place where reviewers see a preview: the edition has reached nobody by that."""


def reviewers_key(target: str) -> str:
    """The key of a place in Slack where an edition waits for approval."""
    return f"{REVIEWERS_PREFIX}{slack_key(target)}"


def delivery_id(team: str, iso_week: str, channel: str) -> str:
    return f"delivery:{team}:{iso_week}:{channel}"


class DeliveryKey(NamedTuple):
    team: str
    iso_week: str
    channel: str


def delivery_key(workflow_id: str) -> DeliveryKey | None:
    """Which delivery a workflow is; None for any other workflow."""
    kind, *key = workflow_id.split(":", 3)
    return DeliveryKey(*key) if kind == "delivery" and len(key) == 3 else None


def recovery_id(team: str, iso_week: str, service: str, phase: str, number: int) -> str:
    """`number` counts the recoveries of that service and phase within one edition, from 1."""
    return f"recovery:{team}:{iso_week}:{service}.{phase}:{number}"


def program_recovery_id(name: str, unique: str) -> str:
    """Of a recovery that the program of that name has asked for."""
    return f"recovery:{PROGRAM}:{name}:{unique}"


def service_escalation_id(service: str) -> str:
    """One page for all who suffer from the same service."""
    return f"escalation:service:{service}"


def own_escalation_id(workflow_id: str) -> str:
    return f"escalation:{workflow_id}"


def amendment_id(team: str, iso_week: str) -> str:
    return f"amendment:{team}:{iso_week}"


def refresh_id(team: str) -> str:
    """Of the schedule, and of what it starts: the server adds the time."""
    return f"refresh:{team}"


RECORDS_ID = "records"
"""Of the schedule that keeps the records, and of what it starts: the server adds the time."""


MONITOR_ID = "monitor"
"""One for all teams and services."""


def breaker_id(service: str) -> str:
    """One entity a service, for all teams and workers."""
    return f"breaker:{service}"


_OF_A_TEAM = re.compile(
    r"(?:escalation:)?(?:changelog|preview|delivery|due|recovery|amendment|refresh):(?!program:)([^:]+?)(?:-\d{4}-\d\d-\d\dT[\d:.]+Z)?(?::|\Z)"
)


def team_of(workflow_id: str) -> str:
    """The team that a run of ours works for, by its id; empty where it works for none, or for many."""
    found = _OF_A_TEAM.match(workflow_id)
    return found[1] if found else ""


def collection_id(workflow_id: str, run_id: str) -> str:
    """Names the pages that one run collected."""
    return f"{workflow_id}:{run_id}"


def repository_unit(repository: str) -> str:
    return f"{GITHUB}:{repository}"


def project_unit(project: str) -> str:
    return f"{JIRA}:{project}"


def board_unit(board: int) -> str:
    return f"{JIRA}:board/{board}"


def deployments_unit(repository: str) -> str:
    return f"{GITHUB}:{repository}/deployments"


def calendar_unit(team: str) -> str:
    return f"{CALENDAR}:{team}"


SCHEDULED_START = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""Written by the server: when a schedule meant to start the workflow, jitter not counted."""

TEAM = SearchAttributeKey.for_keyword("Team")
"""The team's name."""
ISO_WEEK = SearchAttributeKey.for_keyword("IsoWeek")
"""The week of the edition: `2026-W47`."""
SERVICE = SearchAttributeKey.for_keyword("Service")
"""The outside service that a run is about."""
BREAKER_STATE = SearchAttributeKey.for_keyword("BreakerState")
"""The state of a circuit breaker."""
ESCALATION_STATE = SearchAttributeKey.for_keyword("EscalationState")
"""Where an escalation stands."""
ESCALATION_LEVEL = SearchAttributeKey.for_keyword("EscalationLevel")
"""Who is being asked."""
ERROR_CATEGORY = SearchAttributeKey.for_keyword("ErrorCategory")
"""The category of what went wrong."""
EDITION_STATUS = SearchAttributeKey.for_keyword("EditionStatus")
"""`running`, then the status that the edition ended with."""

SEARCH_ATTRIBUTES = (
    TEAM,
    ISO_WEEK,
    SERVICE,
    BREAKER_STATE,
    ESCALATION_STATE,
    ESCALATION_LEVEL,
    ERROR_CATEGORY,
    EDITION_STATUS,
)
"""All are keywords. A worker refuses to start while one is missing: it would wedge workflow tasks."""
