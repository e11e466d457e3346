"""Which alerts may stand for an error rate: what failed for their reason is no news of its own.

A rate looks back: what failed while a breaker was open, or for want of the database, counts until the window has
passed, though the service is well again. It follows from the alert of that as long as what failed for no such reason,
or afterwards, would be no rate by itself.
"""

from collections.abc import Callable, Iterator
from typing import Final

from pydantic import AwareDatetime

from devsync.domain.errors import ErrorCategory
from devsync.domain.health.bands import unremarkable
from devsync.domain.health.naming import RuleName, key_of
from devsync.domain.health.snapshot import DATABASE, Failed, ServiceWindow
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.model import Model


class Follows(Model):
    """A problem follows from the alert of that key, where that lasted until then."""

    key: str
    until: AwareDatetime


_Explains = Callable[[Failed], bool]
_BLIND: Final = key_of(RuleName.BLIND, DATABASE)


def causes_of(window: ServiceWindow, thresholds: Thresholds) -> tuple[Follows, ...]:
    """Each of them alone would explain the service's error rate."""
    return tuple(_causes(window, thresholds))


def _causes(window: ServiceWindow, thresholds: Thresholds) -> Iterator[Follows]:
    reasons: dict[str, _Explains] = {
        key_of(RuleName.BREAKER_OPEN, window.service): lambda _: True,
        _BLIND: lambda one: one.category is ErrorCategory.DATABASE,
    }
    for key, explains in reasons.items():
        until = _until(window, thresholds, explains)
        if until is not None:
            yield Follows(key=key, until=until)


def _until(window: ServiceWindow, thresholds: Thresholds, explains: _Explains) -> AwareDatetime | None:
    """How long the reason must have held to leave too few failures for a rate; None: however long, it is no reason."""
    explained = sorted((one for one in window.failed if explains(one)), key=lambda one: one.last_at, reverse=True)
    others = window.failures - sum(one.count for one in explained)
    left = unremarkable(window.attempts, thresholds) - others
    if left < 0:
        return None
    for one in explained:
        left -= one.count
        if left < 0:
            return one.last_at
    return None
