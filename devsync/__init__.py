"""DevSync Changelog for other Python programs: error handling, recovery, breakers and monitoring (docs/python-api.md).

Nothing is imported before somebody asks for it: workers and the workflow sandbox import this package, too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devsync.api.breakers import CircuitBreaker as CircuitBreaker
    from devsync.api.connection import Connection as Connection
    from devsync.api.core import close as close
    from devsync.api.executions import StepExecution as StepExecution
    from devsync.api.executions import WorkflowExecution as WorkflowExecution
    from devsync.api.handler import ChangelogErrorHandler as ChangelogErrorHandler
    from devsync.api.monitoring import ChangelogMonitoringIntegration as ChangelogMonitoringIntegration
    from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager as ChangelogRecoveryWorkflowManager
    from devsync.api.recovery_workflows import RecoveryWorkflow as RecoveryWorkflow
    from devsync.api.recovery_workflows import WorkflowStep as WorkflowStep
    from devsync.api.sources import Fallback as Fallback
    from devsync.api.unavailable import AfterFork as AfterFork
    from devsync.api.unavailable import CalledOff as CalledOff
    from devsync.api.unavailable import Closed as Closed
    from devsync.api.unavailable import DevSyncUnavailable as DevSyncUnavailable
    from devsync.api.unavailable import NotInTime as NotInTime
    from devsync.api.unavailable import NoWorker as NoWorker
    from devsync.domain.breaker import BreakerConfig as _BreakerConfig
    from devsync.domain.errors import ErrorCategory as ErrorCategory
    from devsync.domain.errors import ErrorContext as ErrorContext
    from devsync.domain.errors import ErrorSeverity as ErrorSeverity
    from devsync.domain.errors import RecoveryAction as RecoveryAction
    from devsync.domain.errors import RecoveryResult as RecoveryResult
    from devsync.domain.exceptions import AuthenticationError as AuthenticationError
    from devsync.domain.exceptions import ChangelogError as ChangelogError
    from devsync.domain.exceptions import ConfigurationError as ConfigurationError
    from devsync.domain.exceptions import DatabaseError as DatabaseError
    from devsync.domain.exceptions import DataCollectionError as DataCollectionError
    from devsync.domain.exceptions import DataProcessingError as DataProcessingError
    from devsync.domain.exceptions import DistributionError as DistributionError
    from devsync.domain.exceptions import ExternalServiceError as ExternalServiceError
    from devsync.domain.exceptions import FormattingError as FormattingError
    from devsync.domain.exceptions import NetworkError as NetworkError
    from devsync.domain.exceptions import RateLimitError as RateLimitError
    from devsync.domain.health.thresholds import Thresholds as Thresholds
    from devsync.domain.insight.span import ImpossibleSpan as ImpossibleSpan
    from devsync.domain.program import EscalationLevel as EscalationLevel
    from devsync.domain.program import WorkflowStatus as WorkflowStatus
    from devsync.runtime.connection import NamespaceUnusable as NamespaceUnusable
    from devsync.runtime.connection import TemporalUnreachable as TemporalUnreachable
    from devsync.settings.monitoring import MonitoringSettings as _MonitoringSettings
    from devsync.settings.problems import ConfigError as ConfigError
    from devsync.storage.connection import DatabaseUnavailable as DatabaseUnavailable
    from devsync.storage.connection import NotMigrated as NotMigrated

    ChangelogMonitoringConfig = _MonitoringSettings
    CircuitBreakerConfig = _BreakerConfig

_NAMES = {
    "devsync.api.breakers": ("CircuitBreaker",),
    "devsync.api.connection": ("Connection",),
    "devsync.api.core": ("close",),
    "devsync.api.executions": ("StepExecution", "WorkflowExecution"),
    "devsync.api.handler": ("ChangelogErrorHandler",),
    "devsync.api.monitoring": ("ChangelogMonitoringIntegration",),
    "devsync.api.recovery_manager": ("ChangelogRecoveryWorkflowManager",),
    "devsync.api.recovery_workflows": ("RecoveryWorkflow", "WorkflowStep"),
    "devsync.api.sources": ("Fallback",),
    "devsync.api.unavailable": ("AfterFork", "CalledOff", "Closed", "DevSyncUnavailable", "NoWorker", "NotInTime"),
    "devsync.domain.errors": ("ErrorCategory", "ErrorContext", "ErrorSeverity", "RecoveryAction", "RecoveryResult"),
    "devsync.domain.exceptions": (
        "AuthenticationError",
        "ChangelogError",
        "ConfigurationError",
        "DataCollectionError",
        "DataProcessingError",
        "DatabaseError",
        "DistributionError",
        "ExternalServiceError",
        "FormattingError",
        "NetworkError",
        "RateLimitError",
    ),
    "devsync.domain.health.thresholds": ("Thresholds",),
    "devsync.domain.insight.span": ("ImpossibleSpan",),
    "devsync.domain.program": ("EscalationLevel", "WorkflowStatus"),
    "devsync.runtime.connection": ("NamespaceUnusable", "TemporalUnreachable"),
    "devsync.settings.problems": ("ConfigError",),
    "devsync.storage.connection": ("DatabaseUnavailable", "NotMigrated"),
}
_OTHERWISE_CALLED = {
    "ChangelogMonitoringConfig": ("devsync.settings.monitoring", "MonitoringSettings"),
    "CircuitBreakerConfig": ("devsync.domain.breaker", "BreakerConfig"),
}
"""Names of the API for what has another one in the product."""

_PLACES = {name: (module, name) for module, names in _NAMES.items() for name in names} | _OTHERWISE_CALLED

__all__ = sorted(_PLACES)  # noqa: PLE0605 (a list that a test compares with the imports above)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'devsync' has no attribute {name!r}")
    module, there = _PLACES[name]
    return getattr(import_module(module), there)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
