"""The settings that recommendations may change, as they are now."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from devsync.contracts import names
from devsync.domain.insight.recommendations import ServiceNumbers
from devsync.settings.services import ServicesConfig
from devsync.settings.team import Refresh, TeamConfig

_CREDENTIALS: Final = {
    names.GITHUB: "GITHUB_TOKEN",
    names.JIRA: "JIRA_API_TOKEN",
    names.SLACK: "SLACK_BOT_TOKEN",
    names.EMAIL: "SMTP_URL",
}
"""The variable that holds a service's secret."""


def service_numbers(services: ServicesConfig) -> dict[str, ServiceNumbers]:
    """Of each service that is called over a network."""
    return {
        name: ServiceNumbers(
            concurrency=settings.concurrency,
            slots=settings.slots,
            http_read=settings.http_read,
            retry_maximum=settings.policy("").retry.maximum,
            breaker=services.breaker(name) if name in services.guarded else None,
            credential=_CREDENTIALS.get(name, ""),
        )
        for name, settings in services.root.items()
        if name != names.LOCAL
    }


def usual_refresh(teams: Iterable[TeamConfig]) -> timedelta:
    """How often most teams' sources are asked; where as many say one thing as another, the shorter time."""
    found = Counter(team.refresh.every for team in teams if team.refresh.enabled and team.schedule is not None)
    if not found:
        return Refresh().every
    return max(found, key=lambda every: (found[every], -every))
