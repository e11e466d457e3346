"""What is left to other alerts: one cause is told once, as with Alertmanager's inhibition.

Two ways lead there. A problem follows from the cause that another alert tells of; or other alerts say it, all of them
together. Nothing is left to an alert that is not there, and at each look it is decided anew.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from devsync.domain.health.bands import SEVERAL
from devsync.domain.health.book import Alert
from devsync.domain.health.rules import Problem


def left_to(problems: Iterable[Problem], alerts: Mapping[str, Alert], now: datetime) -> dict[str, str]:
    """By key, those that follow from an alert, with the key of that. `alerts`: by key."""
    found = {}
    for problem in problems:
        for one in problem.follows_from:
            cause = alerts.get(one.key)
            if cause is not None and one.until <= (cause.quiet_since or now):
                found[problem.key] = one.key
                break
    return found


def is_said(problem: Problem, alerts: Mapping[str, Alert], left: Mapping[str, str]) -> bool:
    """Whether open alerts say it, those aside that are `left` to others. That several things are wrong at once is news
    only where it is worse than the worst of them."""
    if not problem.said_by:
        return False
    standing = [alerts[key] for key in problem.said_by if key not in left and key in alerts and alerts[key].is_open]
    if len(standing) + sum(key in left for key in problem.said_by) < len(problem.said_by):
        return False
    worst = max((alert.level.rank for alert in standing), default=problem.level.rank)
    return len(standing) < SEVERAL or worst >= problem.level.rank
