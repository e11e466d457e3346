"""Turns a team's configuration into the plan of one edition."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devsync.contracts import names
from devsync.contracts.approval import ApprovalPlan
from devsync.contracts.delivery import ChannelPlan
from devsync.contracts.edition import EditionPlan, PlanEdition
from devsync.domain.changelog.due import duration_words, lateness
from devsync.domain.changelog.surroundings import Holiday
from devsync.domain.changelog.upcoming import coming_days
from devsync.domain.changelog.window import Window, week_window
from devsync.settings.configuration import TeamConfiguration
from devsync.settings.holiday_regions import holidays_between
from devsync.settings.planned import delivery_schedules, planned_channels, policies
from devsync.settings.team import TeamConfig


class LastDelivered(NamedTuple):
    """Where the team's last edition of an earlier week ended that reached a channel."""

    window_end: datetime | None = None
    """None: there was none, or the records cannot tell."""
    is_known: bool = True


def plan_edition(configuration: TeamConfiguration, message: PlanEdition, last: LastDelivered) -> EditionPlan:
    """Everything that the workflow will need of the team's configuration. Raises ConfigError and ImpossibleWeek.

    `last` counts for the period `since_last_edition` alone.
    """
    settings = configuration.team
    window, notes = _window(settings, message, last)
    return EditionPlan(
        team=message.team,
        iso_week=message.iso_week,
        window=window,
        timezone=settings.timezone,
        audience=settings.audience,
        repositories=settings.github.repositories if settings.github else (),
        github_api=settings.github.api if settings.github else "auto",
        projects=settings.jira.projects if settings.jira else (),
        boards=settings.jira.boards if settings.jira else (),
        deployment_environments=settings.github.deployments if settings.github else (),
        has_calendar=settings.calendar is not None and settings.calendar.ics is not None,
        holidays=_holidays(settings, window),
        include_labels=settings.github.include_labels if settings.github else (),
        exclude_labels=settings.github.exclude_labels if settings.github else (),
        incident_types=settings.jira.incident_types if settings.jira else (),
        mirrors=settings.github.mirrors if settings.github else {},
        status_pages=configuration.services.status_pages,
        escalation=settings.escalation,
        approval=_approval(settings),
        channels=planned_channels(settings),
        deliver_by=settings.deliver_by,
        amend_for=configuration.delivery.amend_for,
        delivery_reserve=configuration.delivery.delivery_reserve,
        delivery_schedules=delivery_schedules(configuration.delivery, configuration.services),
        policies=policies(configuration.services),
        recovery_plans=configuration.recovery.plans,
        notes=(*_lateness(settings, message), *notes),
    )


def _window(team: TeamConfig, message: PlanEdition, last: LastDelivered) -> tuple[Window, tuple[str, ...]]:
    """The period that the team asks for and, where another one stands in for it, a note that says so."""
    week = week_window(message.iso_week, team.timezone)
    if team.period == "previous_week":
        return week, ()
    if not last.is_known:
        return week, ("period: the records cannot be read, so the week stands in for the time since the last edition",)
    if last.window_end is None:
        return week, ("period: no earlier edition was delivered, so the week stands in for the time since then",)
    until = message.scheduled_at or team.weekly_time.due_at(message.iso_week)
    if message.scheduled_at is None and message.started_at is not None:
        until = min(until, message.started_at)  # by hand before it is due
    if last.window_end >= until:
        return week, (f"period: an edition until {_local(last.window_end, team)} is out already, so this is the week",)
    return Window(start=last.window_end, end=until, timezone=team.timezone), ()


def _holidays(team: TeamConfig, window: Window) -> tuple[Holiday, ...]:
    region = team.calendar.holidays if team.calendar else None
    return holidays_between(region, *coming_days(window)) if region else ()


def _lateness(team: TeamConfig, message: PlanEdition) -> tuple[str, ...]:
    if message.scheduled_at is None or message.started_at is None:
        return ()
    jitter = team.schedule.jitter if team.schedule else timedelta(0)
    late_by = lateness(message.scheduled_at, message.started_at, jitter)
    if not late_by:
        return ()
    return (f"schedule: due {_local(message.scheduled_at, team)}, started {duration_words(late_by)} late",)


def _local(instant: datetime, team: TeamConfig) -> str:
    return f"{instant.astimezone(ZoneInfo(team.timezone)):%Y-%m-%d %H:%M} {team.timezone}"


def _approval(team: TeamConfig) -> ApprovalPlan | None:
    asked = team.approval
    if not asked.required:
        return None
    reviewers = tuple(
        ChannelPlan(key=names.reviewers_key(target), kind=names.SLACK, target=target) for target in asked.reviewers
    )
    return ApprovalPlan(reviewers=reviewers, wait=asked.wait, on_timeout=asked.on_timeout)
