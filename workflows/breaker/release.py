"""Tells those who wait for a service that its breaker's "no" is over, by itself or by a person before its time."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.breaker import ReleaseWaiting
from devsync.runtime.policies import ENTITY, call
from workflows.shared.failures import failure_of


class Release:
    """Whether they are still to be told."""

    def __init__(self, *, is_due: bool) -> None:
        self.is_due = is_due
        self.is_under_way = False


async def keep_releasing(service: str, release: Release) -> None:
    """Has no end. Whoever is not told comes back at the instant that it knows, as without this."""
    while True:
        await workflow.wait_condition(lambda: release.is_due)
        release.is_due, release.is_under_way = False, True
        try:
            await call(
                activities.RELEASE_WAITING,
                ReleaseWaiting(service=service),
                ENTITY,
                summary=f"Tell those who wait for {service}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("those who wait for %s are not told: %s", service, failure_of(error).message)
        release.is_under_way = False
