"""config/escalation.yaml: who is asked when machines cannot decide, how long, and who is asked next."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import holidays
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from devsync.domain.errors import ErrorSeverity
from devsync.domain.escalation.business_time import BusinessHours
from devsync.domain.escalation.policy import LONGEST_WAIT, EscalationPolicy, Level, Target
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.settings.addresses import WebAddress
from devsync.settings.durations import Duration, PositiveDuration, format_duration
from devsync.settings.problems import any_of, did_you_mean, problem_at
from devsync.settings.team import DAYS, Day
from devsync.settings.team_values import (
    ClockTime,
    HolidayRegion,
    MailAddress,
    SlackTarget,
    Timezone,
    VariableName,
)
from devsync.settings.yaml_file import YamlFile, read_yaml

DEFAULT_POLICY: Final = "default"
"""The policy of every team that names no other, and what stands in for one that is gone."""


def _no_longer_than_a_month(delay: timedelta) -> timedelta:
    if delay > LONGEST_WAIT:
        raise ValueError(f'"{format_duration(delay)}" is longer than a month; write "30d" or less')
    return delay


def _known_region(region: str) -> str:
    country, _, subdivision = region.partition("-")
    try:
        holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise ValueError(
            f'the holidays of "{region}" are not known; write another region or list `closed` days'
        ) from None
    return region


def _policy_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f'"{name}" is not a policy\'s name; write it with a-z, 0-9 and "-", as "on-call"')
    return name


def _level_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
        raise ValueError(f'"{name}" is not a level\'s name; write it with a-z, 0-9 and "_", as "team_lead"')
    return name


Delay = Annotated[PositiveDuration, AfterValidator(_no_longer_than_a_month)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
PolicyName = Annotated[str, AfterValidator(_policy_name)]
LevelName = Annotated[str, AfterValidator(_level_name)]


class SlackRecipient(Model):
    """A channel that the app has been invited to, or a person."""

    kind: Literal["slack"] = "slack"
    """Slack."""
    to: SlackTarget = Field(examples=['"#oncall"'])
    """`"#channel"` or `"@person"` in quotes, or an id. A name of a person needs the scope `users:read`."""

    def target(self) -> Target:
        return Target(kind=self.kind, target=self.to)


class MailRecipient(Model):
    """One mail address."""

    kind: Literal["email"] = "email"
    """E-mail."""
    to: MailAddress = Field(examples=["oncall@acme.dev"])
    """Who gets it."""

    def target(self) -> Target:
        return Target(kind=self.kind, target=self.to)


class WebhookRecipient(Model):
    """An address of another program, such as a pager service."""

    kind: Literal["webhook"] = "webhook"
    """A signed HTTP request."""
    to: WebAddress = Field(examples=["https://pager.acme.dev/devsync"])
    """Where it is sent."""
    secret_env: VariableName = Field(examples=["PAGER_WEBHOOK_SECRET"])
    """The environment variable that holds the signing secret."""

    def target(self) -> Target:
        return Target(kind=self.kind, target=self.to, secret_env=self.secret_env)


Recipient = Annotated[SlackRecipient | MailRecipient | WebhookRecipient, Field(discriminator="kind")]


class LevelSettings(Model):
    """Who is asked together."""

    name: LevelName = Field(examples=["team_lead"])
    """The level's name, as people type it."""
    targets: Annotated[tuple[Recipient, ...], Field(min_length=1, examples=['[{kind: slack, to: "#oncall"}]'])]
    """Who is told."""
    delay: Delay = Field(examples=["20m"])
    """How long they have to answer before they are told again, or the next level is."""
    repeats: Annotated[int, Field(ge=0, le=20)] = 0
    """How often they are told again before the next level is."""
    business_time: bool = False
    """True: only business hours count in `delay`."""


class EntrySettings(Model):
    """The level to begin with, by the failure's severity; `none`: nobody is told, the failure is on record."""

    low: LevelName = "none"
    """What heals by itself."""
    medium: LevelName = "none"
    """What costs a part of an edition."""
    high: LevelName = "none"
    """What stops an edition or a service."""
    critical: LevelName = "none"
    """What stops everything, and people see it."""


class BusinessHoursSettings(Model):
    """When people are at work."""

    timezone: Timezone = Field(examples=["Europe/Berlin"])
    """Where."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS[:5]
    """The weekdays on which work begins."""
    opens: ClockTime = Field(examples=['"09:00"'])
    """When it begins, in quotes."""
    closes: ClockTime = Field(examples=['"17:00"'])
    """When it ends; a time that is not after `opens` is one of the next day."""
    holidays: Annotated[HolidayRegion, AfterValidator(_known_region)] | None = None
    """Country or region (ISO 3166) whose public holidays are free."""
    closed: tuple[date, ...] = ()
    """More free days, as `2026-12-24`."""

    def resolved(self, today: date) -> BusinessHours:
        """With the dates of this year and the next: an escalation lasts days."""
        return BusinessHours(
            timezone=self.timezone,
            weekdays=frozenset(DAYS.index(day) for day in self.days),
            opens=self.opens,
            closes=self.closes,
            holidays=frozenset({*self.closed, *_public_holidays(self.holidays, today)}),
        )


class PolicySettings(Model):
    """Levels in order, and the rules around them."""

    levels: Annotated[tuple[LevelSettings, ...], Field(min_length=1)]
    """Who is asked, first to last."""
    entry: EntrySettings
    """Where an escalation begins."""
    repeat_window: Duration = timedelta(hours=24)
    """A failure that was escalated within this time before begins one level higher."""
    acknowledgement_timeout: Delay = timedelta(hours=4)
    """Whoever acknowledges has this long to resolve; then the level is asked again."""
    default_decision: Decision = Decision.USE_FALLBACK
    """What is decided when nobody answers at the last level."""
    business_hours: BusinessHoursSettings | None = None
    """Needed where a level has `business_time`."""

    def resolved(self, name: str, today: date) -> EscalationPolicy:
        """As an escalation freezes it."""
        entry = {ErrorSeverity(severity): level for severity, level in self.entry}
        return EscalationPolicy(
            name=name,
            levels=tuple(
                Level(
                    name=level.name,
                    targets=tuple(recipient.target() for recipient in level.targets),
                    delay=level.delay,
                    repeats=level.repeats,
                    counts_business_time=level.business_time,
                )
                for level in self.levels
            ),
            entry={severity: None if level == "none" else level for severity, level in entry.items()},
            repeat_window=self.repeat_window,
            acknowledgement_timeout=self.acknowledgement_timeout,
            business_hours=self.business_hours.resolved(today) if self.business_hours else None,
            default_decision=self.default_decision,
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [level.name for level in self.levels]
        for index, level in enumerate(self.levels):
            if level.name in names[:index]:
                raise problem_at(f'"{level.name}" is a level already; give it another name', "levels", index, "name")
            if level.business_time and self.business_hours is None:
                message = "the policy has no business_hours; add them, or remove this"
                raise problem_at(message, "levels", index, "business_time")
            for at, recipient in enumerate(level.targets):
                if recipient in level.targets[:at]:
                    raise problem_at("is listed twice; remove one", "levels", index, "targets", at)
        for severity, name in self.entry:
            if name not in {*names, "none"}:
                cure = did_you_mean(name, names, f"write {any_of([*names, 'none'])}")
                raise problem_at(f'there is no level "{name}"; {cure}', "entry", severity)
        return self


class EscalationSettings(Model):
    """config/escalation.yaml."""

    policies: dict[PolicyName, PolicySettings]
    """By name; `default` is the one of teams that name no other."""
    people: tuple[PersonName, ...] = ()
    """Who may answer an escalation, by the names that they have in dashboard.yaml (the command line gives the login
    name); it narrows what they may do by that file. Without the list whoever gives a name is taken at their word."""
    services: dict[str, PolicyName] = {}
    """The policy of causes that many teams share, by service; else it is that of the first team that meets one."""
    runbook: WebAddress | None = None
    """Where your runbook is, for a link in each message: `https://docs.acme.dev/changelog/runbook`."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if DEFAULT_POLICY not in self.policies:
            raise problem_at(f'has no policy "{DEFAULT_POLICY}"; add it', "policies")
        for service, name in self.services.items():
            if name not in self.policies:
                raise problem_at(self._unknown(name), "services", service)
        return self

    @property
    def kinds(self) -> set[str]:
        """The services that reach those who are asked."""
        levels = [level for policy in self.policies.values() for level in policy.levels]
        return {recipient.kind for level in levels for recipient in level.targets}

    def unknown_policy(self, name: str) -> str:
        """What is wrong with a team file that names it, empty where nothing is."""
        return "" if name in self.policies else self._unknown(name)

    def policy_for(self, service: str, name: str, today: date) -> EscalationPolicy:
        """The policy of a cause that many share (`service`), else the named one; `default` stands in for one that is
        gone, since somebody must be told."""
        wanted = self.services.get(service, name) if service else name
        found = wanted if wanted in self.policies else DEFAULT_POLICY
        return self.policies[found].resolved(found, today).model_copy(update={"people": self.people})

    def _unknown(self, name: str) -> str:
        known = sorted(self.policies)
        return f'"{name}" is no policy of escalation.yaml; {did_you_mean(name, known, f"write {any_of(known)}")}'


def read_escalation(path: Path) -> YamlFile[EscalationSettings]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, EscalationSettings)


def _public_holidays(region: str | None, today: date) -> frozenset[date]:
    if region is None:
        return frozenset()
    country, _, subdivision = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=(today.year, today.year + 1)))
