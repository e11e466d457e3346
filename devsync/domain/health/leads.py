"""Where the cause of an alert is seen, and its numbers are found again: pages and a command, by its rule."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from devsync.domain import dashboard_pages as pages
from devsync.domain.health.book import Alert
from devsync.domain.health.naming import OTHERS, RuleName
from devsync.domain.instants import in_iso

STARTER: Final = "python starter.py"


class Lead(NamedTuple):
    label: str
    page: str
    """A path of the dashboard."""


class _Ways(NamedTuple):
    pages: Callable[[Alert], tuple[Lead, ...]]
    command: Callable[[Alert], str]


def leads_of(alert: Alert) -> tuple[Lead, ...]:
    """Pages, the first of them where to look first."""
    return _WAYS[alert.rule].pages(alert)


def command_of(alert: Alert) -> str:
    """What tells the same at a terminal."""
    return f"{STARTER} {_WAYS[alert.rule].command(alert)}"


def _subject(alert: Alert) -> str:
    """What it is about; empty where it stands for many."""
    subject = alert.key.partition(":")[2]
    return "" if subject == OTHERS else subject


def _errors(alert: Alert, label: str = "Errors") -> Lead:
    over = alert.counted.over if alert.counted else None
    return Lead(label, pages.errors_page(_subject(alert), over))


def _breaker(alert: Alert) -> tuple[Lead, ...]:
    return (Lead("Breaker", pages.breaker_page(_subject(alert))), _errors(alert))


def _edition(alert: Alert) -> tuple[Lead, ...]:
    """Of the one that the summary names."""
    team, _, week = alert.counted.edition.rpartition(":") if alert.counted else ("", "", "")
    return (*([Lead("Run", pages.run_page(team, week))] if team else []), Lead("Insight", pages.INSIGHT))


def _missing(alert: Alert) -> tuple[Lead, ...]:
    """It never began, or reached no channel."""
    team, _, week = _subject(alert).rpartition(":")
    schedule = Lead("Schedule", pages.schedule_page(team)) if team else Lead("Schedules", pages.SCHEDULES)
    return (Lead("Deliveries", pages.deliveries_page(team, week)), schedule)


def _overview(_: Alert) -> tuple[Lead, ...]:
    return (Lead("Overview", pages.OVERVIEW),)


def _whole(alert: Alert) -> tuple[Lead, ...]:
    """Of a rate, the errors of all services."""
    over = alert.counted.over if alert.counted else None
    return (*([Lead("Errors", pages.errors_page(over=over))] if over else []), *_overview(alert))


def _within(command: str) -> Callable[[Alert], str]:
    def asked(alert: Alert) -> str:
        if alert.counted is None:
            return command
        over = alert.counted.over
        return f"{command} --window {_length(over.length)} --until {in_iso(over.end)}"

    return asked


def _length(length: timedelta) -> str:
    minutes, rest = divmod(length, timedelta(minutes=1))
    return f"{length.total_seconds():.0f}s" if rest else f"{minutes}m"


def _breaker_command(alert: Alert) -> str:
    subject = _subject(alert)
    return f"breaker show {subject}" if subject else "breaker list"


_WAYS: Final[dict[RuleName, _Ways]] = {
    RuleName.EDITION_MISSING: _Ways(_missing, lambda _: f"status; {STARTER} schedule list"),
    RuleName.BREAKER_OPEN: _Ways(_breaker, _breaker_command),
    RuleName.BLIND: _Ways(_overview, lambda _: "doctor"),
    RuleName.ERROR_RATE: _Ways(lambda alert: (_errors(alert),), _within("errors stats")),
    RuleName.MEMORY: _Ways(_edition, _within("performance stats")),
    RuleName.GENERATION_TIME: _Ways(_edition, _within("performance stats")),
    RuleName.RESPONSE_TIME: _Ways(lambda alert: (_errors(alert, "API calls"),), _within("performance stats")),
    RuleName.HEALTH: _Ways(_whole, lambda _: "health"),
    RuleName.OPTIMISATION: _Ways(lambda _: (Lead("Insight", pages.INSIGHT),), lambda _: "recommendations"),
}
