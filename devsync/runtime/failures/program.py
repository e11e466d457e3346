"""What programs raise themselves (`devsync.domain.exceptions`), by their own word for it."""

from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.exceptions import ChangelogError
from devsync.runtime.failures.verdict import Verdict, first_line

_OF_THE_SERVICE = (ErrorCategory.NETWORK, ErrorCategory.EXTERNAL_SERVICE)


def own_words(error: ChangelogError, service: str) -> Failure:
    kind = type(error)
    verdict = Verdict(
        category=kind.category,
        says="{service}: {words}",
        code="program",
        severity=kind.severity,
        is_retryable=kind.is_retryable,
        is_expected=kind.category is ErrorCategory.RATE_LIMITING,
        counts_for_breaker=kind.category in _OF_THE_SERVICE,
    )
    hint = getattr(error, "retry_after", None)
    return verdict.failure(service, retry_after=hint, words=first_line(error))
