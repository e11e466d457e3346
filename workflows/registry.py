"""Which task queue runs which workflows: what the worker serves, and what every replay checks.

Workflow files import nothing from here: the sandbox would load every workflow anew for each run of one.
"""

from temporalio import workflow

from devsync.contracts import names
from workflows.amendment import Amendment
from workflows.circuit_breaker import CircuitBreaker
from workflows.delivery import Delivery
from workflows.edition_trigger import EditionTrigger
from workflows.escalation import Escalation
from workflows.health_monitor import HealthMonitor
from workflows.record_keeping import RecordKeeping
from workflows.recovery import Recovery
from workflows.source_refresh import SourceRefresh
from workflows.weekly_changelog import WeeklyChangelog

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
