"""When people are told of a recovery, when their answer is waited for, and what is taken without one."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import Healing
from devsync.domain.recovery.plan import Escalates, Need

FIRST_RETRY = timedelta(minutes=5)
LONGEST_BETWEEN_RETRIES = timedelta(minutes=30)

_OF_A_SERVICE = frozenset(
    {
        ErrorCategory.NETWORK,
        ErrorCategory.EXTERNAL_SERVICE,
        ErrorCategory.RATE_LIMITING,
        ErrorCategory.AUTHENTICATION,
    }
)
"""What a service, or our account there, has: all that ask it meet it."""


def is_needed(need: Need, healing: Healing) -> bool:
    """Whether what is not live, or not there, is reason enough."""
    if need is Need.NEVER:
        return False
    return bool(healing.not_live if need is Need.STAND_IN else healing.missing)


def choices(healing: Healing) -> tuple[Decision, ...]:
    """What people can decide: to go on with what stands in only where something does."""
    fallback = (Decision.USE_FALLBACK,) if healing.standing_in else ()
    return (Decision.RETRY, *fallback, Decision.SKIP, Decision.ABORT)


def possible(decision: Decision, healing: Healing) -> Decision:
    """Of a decision that is taken for many: where nothing stands in, to go on with it is to go on without."""
    if decision is Decision.USE_FALLBACK and not healing.standing_in:
        return Decision.SKIP
    return decision


def default_decision(escalates: Escalates, healing: Healing) -> Decision:
    """What is taken when nobody answers."""
    return possible(escalates.default, healing)


def is_shared(failures: Collection[Failure], *, is_one_place: bool, answers_others: bool) -> bool:
    """Whether others have the same cause: the service itself is ill, or refuses us. `is_one_place`: all teams ask the
    same hosts under its name; that one team's webhook is down says nothing of another's. `answers_others`: it has
    answered for another unit of the same edition, so that the cause is this unit's own."""
    return is_one_place and not answers_others and all(failure.category in _OF_A_SERVICE for failure in failures)


def severity(failures: Iterable[Failure], healing: Healing) -> ErrorSeverity:
    """The worst of the failures; a gap in the edition is never a small matter. Nor is a service that a circuit breaker
    keeps us from: how soon it opened, and so which units met the failure itself, is chance."""
    known = tuple(failures)
    least = ErrorSeverity.MEDIUM if healing.missing or any(map(_is_kept_from, known)) else ErrorSeverity.LOW
    return max((least, *(failure.severity for failure in known)), key=lambda one: one.rank)


def _is_kept_from(failure: Failure) -> bool:
    """Whether an open breaker refused the call, not throttling."""
    return failure.retry_at is not None and failure.category is ErrorCategory.EXTERNAL_SERVICE


def wait_before_retry(retries: int) -> timedelta:
    """While people are asked, what failed is tried again: after 5 min, doubled, up to 30 min."""
    return min(FIRST_RETRY * (1 << min(retries, 8)), LONGEST_BETWEEN_RETRIES)
