"""What an escalation needs of the outside: it is joined from any workflow, and what happens to it is written down."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.edition import Recorded
from devsync.contracts.escalation import (
    ABOUT,
    EscalationJoin,
    EscalationJoined,
    EscalationStart,
    JoinEscalation,
    RecordEscalation,
    Subscriber,
)
from devsync.contracts.notifications import NoticeLink
from devsync.domain.dashboard_pages import OPEN, escalation_page
from devsync.domain.escalation.policy import EscalationPolicy
from devsync.settings.configuration import Configuration
from devsync.settings.delivery import read_delivery
from devsync.settings.escalation import read_escalation
from devsync.settings.problems import ConfigError
from devsync.settings.services import read_services
from devsync.storage.connection import DatabaseUnavailable, MigrationAwaited, NotMigrated
from devsync.storage.escalations import Escalations


class EscalationActivities:
    def __init__(self, client: Client, configuration: Configuration, records: Escalations) -> None:
        self._client = client
        self._configuration = configuration
        self._records = records

    def all(self) -> list[Callable[..., Any]]:
        return [self.join_escalation, self.record_escalation]

    @activity.defn(name=contracts.JOIN_ESCALATION.name)
    async def join_escalation(self, message: JoinEscalation) -> EscalationJoined:
        """Joins the open escalation of that cause, or starts it; once, however often it is repeated."""
        notes: list[str] = []
        configuration = await self._current(notes)
        policy = configuration.escalation.policy_for(message.service, message.policy, datetime.now(UTC).date())
        # Who takes another's place is no new reason to ask anybody.
        level = policy.level_names[0] if message.replaces else await self._level(policy, message, notes)
        if level is None:
            return EscalationJoined(escalation_id="", people=policy.people)
        read_timeout = configuration.services.service(names.SLACK).http_read
        join = EscalationJoin(
            request=message.model_copy(update={"subscriber": _with_run(message)}),
            policy=policy,
            level=level,
            why_level="; ".join(notes),
            policies={
                contract.name: configuration.services.policy(contract.service, contract.operation)
                for contract in contracts.ESCALATION_ACTIVITIES
            },
            uncertain_wait=read_timeout * configuration.delivery.uncertain_wait_factor,
            retry_after=configuration.delivery.slack.retry_schedule,
            links=_links(message.escalation_id, configuration.escalation.runbook),
        )
        workflow_id = message.escalation_id
        if message.replaces:
            is_open = await self._takes_place(workflow_id, join)
            return EscalationJoined(escalation_id=workflow_id if is_open else "", people=policy.people)
        await self._client.start_workflow(
            names.ESCALATION,
            EscalationStart(),
            id=workflow_id,
            task_queue=names.CONTROL_QUEUE,
            start_signal="join",
            start_signal_args=[join],
            static_summary=f"What to do about {message.service or message.subscriber.subject}"[:200],
            static_details=ABOUT,
        )
        return EscalationJoined(escalation_id=workflow_id, level=level, people=policy.people)

    async def _takes_place(self, workflow_id: str, join: EscalationJoin) -> bool:
        """False where the escalation is over: whoever follows it opens none."""
        try:
            await self._client.get_workflow_handle(workflow_id).signal("join", join)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    @activity.defn(name=contracts.RECORD_ESCALATION.name)
    async def record_escalation(self, message: RecordEscalation) -> Recorded:
        """Writes what is not there yet; waits for a database that lacks our tables as for one that is away."""
        try:
            await self._records.write(message)
        except NotMigrated as error:
            raise MigrationAwaited(str(error)) from error
        return Recorded()

    async def _current(self, notes: list[str]) -> Configuration:
        """config/ as it is now; a mistake in it must not keep anybody from being told."""
        directory = self._configuration.directory
        try:
            return await asyncio.to_thread(_read_again, directory, self._configuration)
        except ConfigError as error:
            notes.append(f"by the policy that the worker began with, since config/ is wrong: {error.problems[0]}")
            return self._configuration

    async def _level(self, policy: EscalationPolicy, message: JoinEscalation, notes: list[str]) -> str | None:
        """Where it begins; None where nobody is told."""
        if message.level:
            if (named := policy.known_level(message.level)) is not None:
                return named
            notes.append(f"there is no level {message.level!r}")
        level = policy.entry_level(message.severity)
        if level is None:
            # A person asked for people: then the first ones are told, whatever the severity.
            return policy.level_names[0] if message.requested_by else None
        if not await self._has_recurred(policy, message, notes):
            return level
        notes.append("one level higher, since it was escalated before within the repeat window")
        return policy.entry_level(message.severity, has_recurred=True)

    async def _has_recurred(self, policy: EscalationPolicy, message: JoinEscalation, notes: list[str]) -> bool:
        fingerprint = message.failure.fingerprint
        if not fingerprint or not policy.repeat_window:
            return False
        try:
            return await self._records.has_recurred(fingerprint, datetime.now(UTC) - policy.repeat_window)
        except (DatabaseUnavailable, NotMigrated) as error:
            activity.logger.warning("going on without the records: %s", error)
            notes.append("whether it has happened before is not known: the database is away")
            return False


def _read_again(directory: Path, known: Configuration) -> Configuration:
    """Without the teams' files, which an escalation does not need. Raises ConfigError."""
    return Configuration(
        directory=directory,
        services=read_services(directory / "services.yaml").model,
        delivery=read_delivery(directory / "delivery.yaml").model,
        escalation=read_escalation(directory / "escalation.yaml").model,
        teams=known.teams,
        recovery=known.recovery,
        records=known.records,
        monitoring=known.monitoring,
        dashboard=known.dashboard,
    )


def _links(escalation_id: str, runbook: str | None) -> tuple[NoticeLink, ...]:
    page = NoticeLink(label=OPEN, url=escalation_page(escalation_id))
    return (page, NoticeLink(label="Runbook", url=runbook)) if runbook else (page,)


def _with_run(message: JoinEscalation) -> Subscriber:
    """The subscriber with the run that asks, where it asks for itself: no later run shall get its answer."""
    info, subscriber = activity.info(), message.subscriber
    if subscriber.run_id or subscriber.workflow_id != info.workflow_id:
        return subscriber
    return subscriber.model_copy(update={"run_id": info.workflow_run_id})
