"""The activities by name, with their input and output: what workflows call and activity classes implement."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from devsync.contracts import (
    breaker,
    collection,
    delivery,
    due,
    edition,
    escalation,
    monitor,
    notifications,
    records,
    recovery,
    refresh,
)
from devsync.domain.model import Model

In = TypeVar("In", bound=Model)
Out = TypeVar("Out", bound=Model)


@dataclass(frozen=True)
class ActivityContract(Generic[In, Out]):
    """`name` is `service.operation`; the service decides the task queue and the declared policy."""

    name: str
    input_type: type[In]
    output_type: type[Out]
    is_user_facing: bool = False
    """People see at once that it failed: its errors are more severe."""
    is_critical: bool = False
    """Nothing goes on without it: likewise."""
    is_tried_once: bool = False
    """Whatever a policy says: whether its work may be repeated, only the workflow can find out."""
    is_conditional: bool = False
    """It asks first whether what was collected before still holds."""

    @property
    def service(self) -> str:
        return self.name.split(".", 1)[0]

    @property
    def operation(self) -> str:
        return self.name.split(".", 1)[1]


FIND_DUE_WEEK = ActivityContract("local.find_due_week", due.FindDueWeek, due.DueWeek, is_critical=True)
PLAN_EDITION = ActivityContract("local.plan_edition", edition.PlanEdition, edition.EditionPlan, is_critical=True)
PLAN_REFRESH = ActivityContract("local.plan_refresh", refresh.PlanRefresh, edition.EditionPlan)
FIND_PREVIOUS = ActivityContract("local.find_previous_edition", edition.FindPreviousEdition, edition.PreviousEdition)
COLLECT_REPOSITORY = ActivityContract(
    "github.collect_repository", collection.CollectRepository, collection.UnitCollected, is_conditional=True
)
COLLECT_PROJECT = ActivityContract("jira.collect_project", collection.CollectProject, collection.UnitCollected)
COLLECT_BOARD = ActivityContract("jira.collect_board", collection.CollectBoard, collection.UnitCollected)
COLLECT_DEPLOYMENTS = ActivityContract(
    "github.collect_deployments", collection.CollectDeployments, collection.UnitCollected
)
COLLECT_CALENDAR = ActivityContract(
    "calendar.collect", collection.CollectCalendar, collection.UnitCollected, is_conditional=True
)
COMPOSE_EDITION = ActivityContract(
    "local.compose_edition", edition.ComposeEdition, edition.EditionComposed, is_critical=True
)
FIND_UNKNOWN_ITEMS = ActivityContract("local.find_unknown_items", edition.FindUnknownItems, edition.UnknownItems)
RENDER_EDITION = ActivityContract(
    "local.render_edition", edition.RenderEdition, edition.EditionRendered, is_critical=True
)
RECORD_EDITION = ActivityContract("local.record_edition", edition.RecordEdition, edition.Recorded)
RECALL_DELIVERY = ActivityContract(
    "local.recall_delivery", delivery.RecallDelivery, delivery.Recalled, is_critical=True
)
RECORD_DELIVERY = ActivityContract("local.record_delivery", delivery.RecordDelivery, edition.Recorded)
SEND_SLACK_PART = ActivityContract(
    "slack.send_part", delivery.SendPart, delivery.PartSent, is_user_facing=True, is_tried_once=True
)
FIND_SLACK_PART = ActivityContract("slack.find_part", delivery.FindPart, delivery.PartFound)
REMOVE_SLACK_PART = ActivityContract("slack.remove_part", delivery.RemovePart, edition.Recorded)
SEND_MAIL = ActivityContract(
    "email.send_edition", delivery.SendMail, delivery.MailSent, is_user_facing=True, is_tried_once=True
)
SEND_WEBHOOK = ActivityContract(
    "webhook.send_edition", delivery.SendWebhook, delivery.WebhookSent, is_user_facing=True, is_tried_once=True
)
BREAKER_SETTINGS = ActivityContract("local.breaker_settings", breaker.ReadBreakerSettings, breaker.BreakerSettingsRead)
RECORD_BREAKER = ActivityContract("local.record_breaker", breaker.RecordBreaker, edition.Recorded)
RELEASE_WAITING = ActivityContract("local.release_waiting", breaker.ReleaseWaiting, breaker.Released)
JOIN_ESCALATION = ActivityContract(
    "local.join_escalation", escalation.JoinEscalation, escalation.EscalationJoined, is_critical=True
)
RECORD_ESCALATION = ActivityContract("local.record_escalation", escalation.RecordEscalation, edition.Recorded)
RECORD_RECOVERY = ActivityContract("local.record_recovery", recovery.RecordRecovery, edition.Recorded)
KEEP_RECORDS = ActivityContract("local.keep_records", records.KeepRecords, records.RecordsKept)
LOOK = ActivityContract("local.look", monitor.Look, monitor.Looked)
RECORD_ALERTS = ActivityContract("local.record_alerts", monitor.RecordAlerts, edition.Recorded)
NOTIFY_SLACK = ActivityContract("slack.notify", notifications.Notify, notifications.Notified, is_tried_once=True)
NOTIFY_EMAIL = ActivityContract("email.notify", notifications.Notify, notifications.Notified)
NOTIFY_WEBHOOK = ActivityContract("webhook.notify", notifications.Notify, notifications.Notified)

EDITION_ACTIVITIES = (
    FIND_PREVIOUS,
    COLLECT_REPOSITORY,
    COLLECT_PROJECT,
    COLLECT_BOARD,
    COLLECT_DEPLOYMENTS,
    COLLECT_CALENDAR,
    COMPOSE_EDITION,
    FIND_UNKNOWN_ITEMS,
    RENDER_EDITION,
    RECORD_EDITION,
)
DELIVERY_ACTIVITIES = (
    RECALL_DELIVERY,
    RECORD_DELIVERY,
    SEND_SLACK_PART,
    FIND_SLACK_PART,
    REMOVE_SLACK_PART,
    SEND_MAIL,
    SEND_WEBHOOK,
)
RECOVERY_ACTIVITIES = (JOIN_ESCALATION, RECORD_RECOVERY)
"""What a recovery calls beside the steps of its plan."""

READ_STATUS_PAGE = ActivityContract("status.read_page", recovery.StepRequest, recovery.StepResult)
COLLECT_REPOSITORIES_AGAIN = ActivityContract("github.collect_again", recovery.StepRequest, recovery.StepResult)
COLLECT_PROJECTS_AGAIN = ActivityContract("jira.collect_again", recovery.StepRequest, recovery.StepResult)
COLLECT_CALENDARS_AGAIN = ActivityContract("calendar.collect_again", recovery.StepRequest, recovery.StepResult)
USE_CACHED = ActivityContract("local.use_cached", recovery.StepRequest, recovery.StepResult)
USE_PARTIAL = ActivityContract("local.use_partial", recovery.StepRequest, recovery.StepResult)
COLLECT_FROM_MIRROR = ActivityContract("git_mirror.collect", recovery.StepRequest, recovery.StepResult)
READ_FEED = ActivityContract("github.read_feed", recovery.StepRequest, recovery.StepResult)
DERIVE_ISSUES = ActivityContract("local.derive_issues", recovery.StepRequest, recovery.StepResult)
DERIVE_METRICS = ActivityContract("local.derive_metrics", recovery.StepRequest, recovery.StepResult)
RENDER_AGAIN = ActivityContract("local.render_again", recovery.StepRequest, recovery.StepResult)
PROGRAM_STEP = ActivityContract("program.run_step", recovery.StepRequest, recovery.StepResult)
"""A step that another program does itself, on a queue of its own; which one, `StepRequest.arguments` say."""

COLLECTED_AGAIN = (COLLECT_REPOSITORIES_AGAIN, COLLECT_PROJECTS_AGAIN, COLLECT_CALENDARS_AGAIN)
"""What an amendment asks of each service, by the policy of that service."""

RECOVERY_STEPS = (
    READ_STATUS_PAGE,
    *COLLECTED_AGAIN,
    USE_CACHED,
    USE_PARTIAL,
    COLLECT_FROM_MIRROR,
    READ_FEED,
    DERIVE_ISSUES,
    DERIVE_METRICS,
    RENDER_AGAIN,
)
"""What recovery plans are made of. A step's time-outs and retries stand in the plan, not in config/services.yaml."""

NOTIFYING_ACTIVITIES = (NOTIFY_SLACK, NOTIFY_EMAIL, NOTIFY_WEBHOOK)

TELLING_ACTIVITIES = (*NOTIFYING_ACTIVITIES, FIND_SLACK_PART)
"""How people are told, and whether a post without an answer arrived."""

ESCALATION_ACTIVITIES = (*TELLING_ACTIVITIES, RECORD_ESCALATION)
"""What an escalation calls."""

DECLARED = (
    *EDITION_ACTIVITIES,
    *DELIVERY_ACTIVITIES,
    *NOTIFYING_ACTIVITIES,
    *RECOVERY_ACTIVITIES,
    *COLLECTED_AGAIN,
    RECORD_ESCALATION,
)
"""Those whose policies are declared in config/services.yaml."""

_BY_NAME = {contract.name: contract for contract in globals().copy().values() if isinstance(contract, ActivityContract)}


def contract_of(name: str) -> ActivityContract[Model, Model] | None:
    """The activity of that name, None for one of another program."""
    return _BY_NAME.get(name)
