"""Which task queue runs which workflows: what the worker serves, and what every replay checks.

Workflow files import nothing from here: it imports all of them.
"""

from temporalio import workflow

from devsync.contracts import names
from workflows.amendment.amendment import Amendment
from workflows.breaker.circuit_breaker import CircuitBreaker
from workflows.delivery.delivery import Delivery
from workflows.edition.edition_trigger import EditionTrigger
from workflows.edition.source_refresh import SourceRefresh
from workflows.edition.weekly_changelog import WeeklyChangelog
from workflows.escalation.escalation import Escalation
from workflows.monitor.health_monitor import HealthMonitor
from workflows.record_keeping import RecordKeeping
from workflows.recovery.recovery import Recovery

SERVED: dict[str, tuple[type, ...]] = {
    names.EDITIONS_QUEUE: (WeeklyChangelog, Recovery),
    names.CONTROL_QUEUE: (
        EditionTrigger,
        Delivery,
        Escalation,
        Amendment,
        SourceRefresh,
        RecordKeeping,
        CircuitBreaker,
        HealthMonitor,
    ),
}

WORKFLOWS: tuple[type, ...] = tuple(served for workflows in SERVED.values() for served in workflows)


def workflow_type(served: type) -> str:
    """The name under which the server knows the class."""
    # The SDK has no public way to ask.
    return str(workflow._Definition.must_from_class(served).name)
