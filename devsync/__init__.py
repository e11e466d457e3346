"""DevSync Changelog for other Python programs: error handling, recovery, breakers and monitoring (docs/python-api.md).

Nothing is imported before somebody asks for it: workers and the workflow sandbox import this package, too.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devsync.api.core import Connection as Connection
    from devsync.api.core import close as close
    from devsync.api.unavailable import AfterFork as AfterFork
    from devsync.api.unavailable import CalledOff as CalledOff
    from devsync.api.unavailable import Closed as Closed
    from devsync.api.unavailable import DevSyncUnavailable as DevSyncUnavailable
    from devsync.api.unavailable import NotInTime as NotInTime
    from devsync.api.unavailable import NoWorker as NoWorker
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
    from devsync.domain.program import EscalationLevel as EscalationLevel
    from devsync.domain.program import WorkflowStatus as WorkflowStatus
    from devsync.runtime.connection import NamespaceUnusable as NamespaceUnusable
    from devsync.runtime.connection import TemporalUnreachable as TemporalUnreachable
    from devsync.settings.problems import ConfigError as ConfigError
    from devsync.storage.connection import DatabaseUnavailable as DatabaseUnavailable
    from devsync.storage.connection import NotMigrated as NotMigrated

_NAMES = {
    "devsync.api.core": ("Connection", "close"),
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
    "devsync.domain.program": ("EscalationLevel", "WorkflowStatus"),
    "devsync.runtime.connection": ("NamespaceUnusable", "TemporalUnreachable"),
    "devsync.settings.problems": ("ConfigError",),
    "devsync.storage.connection": ("DatabaseUnavailable", "NotMigrated"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (a list that a test compares with the imports above)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'devsync' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
