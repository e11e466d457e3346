"""Turns a team's configuration into the plan of one edition."""

from datetime import timedelta
from pathlib import Path

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.delivery import ChannelPlan, DeliverySchedule
from devsync.contracts.edition import EditionPlan
from devsync.contracts.policies import Policies
from devsync.domain.changelog.window import week_window
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.delivery import DeliverySettings
from devsync.settings.services import ServicesConfig
from devsync.settings.team import Channel, EmailChannel


def plan_edition(config_dir: Path, team: str, iso_week: str) -> EditionPlan:
    """Everything that the workflow will need of the configuration. Raises ConfigError and ImpossibleWeek."""
    configuration = load_configuration(config_dir)
    settings = configuration.team(team)
    return EditionPlan(
        team=team,
        iso_week=iso_week,
        window=week_window(iso_week, settings.timezone),
        timezone=settings.timezone,
        audience=settings.audience,
        repositories=settings.github.repositories if settings.github else (),
        github_api=settings.github.api if settings.github else "auto",
        projects=settings.jira.projects if settings.jira else (),
        include_labels=settings.github.include_labels if settings.github else (),
        exclude_labels=settings.github.exclude_labels if settings.github else (),
        incident_types=settings.jira.incident_types if settings.jira else (),
        channels=tuple(_channel(channel, number) for number, channel in enumerate(settings.channels)),
        deliver_by=settings.deliver_by,
        delivery_reserve=configuration.delivery.delivery_reserve,
        delivery_schedule=_schedule(configuration.delivery, configuration.services),
        policies=_policies(configuration),
    )


def _channel(channel: Channel, number: int) -> ChannelPlan:
    name = channel.target.lstrip("#") if channel.kind == "slack" else str(number)
    return ChannelPlan(
        key=f"{channel.kind}-{name}",
        kind=channel.kind,
        target=channel.target,
        only_as_fallback=isinstance(channel, EmailChannel) and channel.only_as_fallback,
    )


def _schedule(delivery: DeliverySettings, services: ServicesConfig) -> DeliverySchedule:
    read_timeout: timedelta = services.service(names.SLACK).http_read
    return DeliverySchedule(
        retry_after=delivery.slack.retry_schedule,
        uncertain_wait=read_timeout * delivery.uncertain_wait_factor,
    )


def _policies(configuration: Configuration) -> Policies:
    return {
        contract.name: configuration.services.service(contract.service).policy(contract.operation)
        for contract in (*contracts.EDITION_ACTIVITIES, *contracts.DELIVERY_ACTIVITIES)
    }
