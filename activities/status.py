"""Asks the service's own status page what it knows: the first step of a recovery."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.clients.bounded import WebReader
from activities.clients.status_page import PageStatus, read_status
from devsync.contracts.activities import READ_STATUS_PAGE
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.spelling import service_name


class StatusActivities:
    def __init__(self, reader: WebReader) -> None:
        self._reader = reader

    def all(self) -> list[Callable[..., Any]]:
        return [self.read_page]

    @activity.defn(name=READ_STATUS_PAGE.name)
    def read_page(self, request: StepRequest) -> StepResult:
        """Heals nothing; its facts tell later steps and people how bad it is: `indicator`, `description`, and of the
        worst open incident `incident` and `incident_url`."""
        page = request.sources.status_pages.get(request.service)
        attempts = activity.info().attempt
        if page is None:
            return StepResult(message=f"no status page is configured for {request.service}", attempts=attempts)
        status = read_status(self._reader, page)
        facts = {
            "indicator": status.indicator,
            "description": status.description,
            "incident": status.incident,
            "incident_url": status.incident_url,
        }
        return StepResult(
            facts={name: value for name, value in facts.items() if value},
            message=_told(service_name(request.service), status),
            attempts=attempts,
        )


def _told(service: str, status: PageStatus) -> str:
    told = f"{service}'s status page says: {status.description}"
    if status.components:
        told += f" ({', '.join(status.components[:3])})"
    if status.incident:
        told += f"; incident: {status.incident}"
    return f"{told} {status.incident_url}".rstrip()
