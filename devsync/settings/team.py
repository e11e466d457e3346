"""A team's file: what its changelog is gathered from, when, for whom and where it goes."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from devsync.domain.changelog.due import WeeklyTime
from devsync.domain.model import Model
from devsync.settings.addresses import GitAddress, WebAddress
from devsync.settings.durations import Duration, PositiveDuration
from devsync.settings.problems import ConfigError, problem_at, refuse_repeated
from devsync.settings.team_values import (
    ClockTime,
    HolidayRegion,
    MailAddress,
    ProjectKey,
    Repository,
    SlackChannelName,
    SlackTarget,
    TeamName,
    Timezone,
    VariableName,
)
from devsync.settings.yaml_file import YamlFile, read_yaml

T = TypeVar("T", str, int)


def _each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    refuse_repeated(values)
    return values


Unique = Annotated[tuple[T, ...], AfterValidator(_each_once)]


Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = get_args(Day)


class Schedule(Model):
    """The weekly instant, in the team's timezone, at which the edition is due to start."""

    day: Day = Field(examples=["monday"])
    """The weekday."""
    time: ClockTime = Field(examples=['"09:00"'])
    """The time of day, in quotes."""
    jitter: Duration = timedelta(0)
    """The start is put off by a random time up to this, so that many teams do not ask the same services at once."""

    @property
    def weekday(self) -> int:
        """0 is Monday."""
        return DAYS.index(self.day)


class GitHubSource(Model):
    """Repositories as `owner/name`; `auto` asks GraphQL and falls back to REST."""

    api: Literal["auto", "graphql", "rest"] = "auto"
    """Which of GitHub's interfaces is asked."""
    repositories: Annotated[Unique[Repository], Field(min_length=1, examples=["[acme/payments-api]"])]
    """Where the team's work is merged."""
    include_labels: Unique[str] = ()
    """When given, only pull requests with one of them; breaking changes are never filtered."""
    exclude_labels: Unique[str] = ()
    """What has one of them is left out: pull requests, and issues done without code."""
    deployments: Unique[str] = ()
    """Environments, such as `production`, to which deployments are counted. It costs a request more for each
    repository, by GraphQL."""
    mirrors: dict[Repository, GitAddress] = Field(default_factory=dict)
    """Where else a repository can be cloned from, when GitHub does not answer."""

    @model_validator(mode="after")
    def _deployments_are_told_by_graphql(self) -> Self:
        if self.deployments and self.api == "rest":
            raise problem_at("are told by GraphQL alone, which api: rest rules out; write api: auto", "deployments")
        return self

    @model_validator(mode="after")
    def _mirrors_belong_to_repositories(self) -> Self:
        for repository in self.mirrors:
            if repository not in self.repositories:
                message = "is a mirror of a repository that is not listed; add it to repositories"
                raise problem_at(message, "mirrors", repository)
        for label in self.exclude_labels:
            if label in self.include_labels:
                at = self.exclude_labels.index(label)
                raise problem_at(f'"{label}" is included as well; remove one', "exclude_labels", at)
        return self


class JiraSource(Model):
    """Projects by key; boards by the number in their address, for sprints."""

    projects: Annotated[Unique[ProjectKey], Field(min_length=1, examples=["[PAY]"])]
    """The part of the issue keys before the hyphen. Only keys of these projects become links."""
    boards: Unique[PositiveInt] = ()
    """Boards whose sprints are told, and what is in progress on them."""
    incident_types: Unique[str] = ()
    """The issue types that count as incidents: what broke."""


class Refresh(Model):
    """Asking the sources now and then, so that an edition needs only what is new, and what stands in for a source that
    is down is hours old at most."""

    enabled: bool = True
    """False: sources are asked by editions alone."""
    every: Duration = timedelta(hours=6)
    """How often, from 15 minutes to a day."""

    @model_validator(mode="after")
    def _is_neither_a_storm_nor_useless(self) -> Self:
        if not timedelta(minutes=15) <= self.every <= timedelta(days=1):
            raise problem_at("is not between 15m and 1d", "every")
        return self


class CalendarSource(Model):
    """Who is away and which days are holidays, for "what is next"."""

    ics: WebAddress | None = None
    """Address of the team's calendar in iCalendar form. Where knowing it is enough to read the calendar it is a secret:
    it stands in this file alone, in no history, log or record."""
    holidays: HolidayRegion | None = None
    """Country or region (ISO 3166) whose public holidays count."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.ics is None and self.holidays is None:
            raise problem_at("names neither ics nor holidays; write one or remove the calendar")
        return self


class _Channel(Model):
    alternatives: Unique[SlackChannelName] = ()
    """Slack channels where the edition goes, saying for which channel, when this one cannot be reached."""
    after_fallback: Literal["post_late", "drop"] = "post_late"
    """Once another channel has stood in: the edition still comes here when the channel heals, or no more."""


class SlackChannel(_Channel):
    """A Slack channel that the app has been invited to."""

    kind: Literal["slack"] = "slack"
    """Slack."""
    channel: SlackChannelName = Field(examples=['"#payments"'])
    """Name in quotes, since YAML takes a bare `#` for a comment; or the channel's id."""

    @model_validator(mode="after")
    def _alternatives_are_others(self) -> Self:
        if self.channel in self.alternatives:
            at = self.alternatives.index(self.channel)
            raise problem_at(f'"{self.channel}" is the channel itself; remove it', "alternatives", at)
        return self

    @property
    def target(self) -> str:
        return self.channel


class EmailChannel(_Channel):
    """E-mail to some people."""

    kind: Literal["email"] = "email"
    """E-mail."""
    to: Annotated[Unique[MailAddress], Field(min_length=1, examples=["[payments@acme.dev]"])]
    """Who gets it."""
    only_as_fallback: bool = False
    """True: mail is sent only where another channel could not be reached."""

    @model_validator(mode="after")
    def _a_fallback_has_none_itself(self) -> Self:
        if self.only_as_fallback and self.alternatives:
            raise problem_at("are never used: the mail is a fallback itself; remove them", "alternatives")
        return self

    @property
    def target(self) -> str:
        return ", ".join(self.to)


class WebhookChannel(_Channel):
    """An address of another program."""

    kind: Literal["webhook"] = "webhook"
    """A signed HTTP request."""
    url: WebAddress = Field(examples=["https://hooks.acme.dev/changelog"])
    """Where it is sent, without a user or password in the address."""
    secret_env: VariableName = Field(examples=["PAYMENTS_WEBHOOK_SECRET"])
    """The environment variable that holds the signing secret; the secret itself stands in no file."""

    @property
    def target(self) -> str:
        return self.url


Channel = Annotated[SlackChannel | EmailChannel | WebhookChannel, Field(discriminator="kind")]


class Approval(Model):
    """Whether people see the edition before it is posted, and what happens when nobody answers in time."""

    required: bool = False
    """True: nothing is posted before somebody has agreed."""
    reviewers: Unique[SlackTarget] = ()
    """Slack channels and people who are asked."""
    wait: PositiveDuration = timedelta(minutes=90)
    """How long they are waited for; it lies inside `deliver_by`."""
    on_timeout: Literal["publish", "reject"] = "publish"
    """What happens when nobody answers."""

    @model_validator(mode="after")
    def _somebody_reviews(self) -> Self:
        if self.required and not self.reviewers:
            raise problem_at('approval is required from nobody; write for example ["#payments-leads"]', "reviewers")
        return self


class TeamConfig(Model):
    """One team's changelog. Without a schedule it is made only when somebody asks for it."""

    team: TeamName = Field(examples=["payments"])
    """The name, as the file is called."""
    timezone: Timezone = Field(examples=["Europe/Berlin"])
    """A week begins and ends at midnight there."""
    schedule: Schedule | None = None
    """When the edition is made by itself."""
    refresh: Refresh = Refresh()
    """Of a team with a schedule: how often its sources are asked between editions."""
    period: Literal["previous_week", "since_last_edition"] = "previous_week"
    """What an edition covers: the ISO week before, or all since the last edition that was delivered."""
    deliver_by: PositiveDuration = timedelta(hours=2)
    """How long after its start the edition must have been delivered."""
    audience: Literal["engineering", "product", "executive"] = "engineering"
    """Who reads it."""
    github: GitHubSource | None = None
    """What is read from GitHub. A team has `github`, `jira` or both."""
    jira: JiraSource | None = None
    """What is read from JIRA."""
    calendar: CalendarSource | None = None
    """What comes next."""
    channels: tuple[Channel, ...] = Field(min_length=1, examples=['[{kind: slack, channel: "#payments"}]'])
    """Where the edition goes. No two are the same."""
    approval: Approval = Approval()
    """Who looks at it before."""
    escalation: str = "default"
    """The name of an escalation policy."""

    @property
    def weekly_time(self) -> WeeklyTime:
        """When its editions are due; without a schedule, as soon as a week has ended."""
        if self.schedule is None:
            return WeeklyTime(weekday=0, clock=time(), timezone=self.timezone)
        return WeeklyTime(weekday=self.schedule.weekday, clock=self.schedule.time, timezone=self.timezone)

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.github is None and self.jira is None:
            raise problem_at("the team has no source; add github, jira or both")
        return self

    @model_validator(mode="after")
    def _channels_differ(self) -> Self:
        taken = set()
        for index, channel in enumerate(self.channels):
            key = (channel.kind, channel.target.casefold())
            if key in taken:
                raise problem_at("is the same as a channel above; remove one", "channels", index)
            taken.add(key)
        if all(isinstance(channel, EmailChannel) and channel.only_as_fallback for channel in self.channels):
            raise problem_at("are all fallbacks; add one that is not", "channels")
        return self

    @model_validator(mode="after")
    def _alternatives_are_no_channels(self) -> Self:
        own = {channel.channel for channel in self.channels if isinstance(channel, SlackChannel)}
        for index, channel in enumerate(self.channels):
            for at, other in enumerate(channel.alternatives):
                if other in own - {channel.target}:
                    message = f'"{other}" gets the edition anyway; remove it'
                    raise problem_at(message, "channels", index, "alternatives", at)
        return self

    @model_validator(mode="after")
    def _approval_lies_before_the_deadline(self) -> Self:
        if self.approval.required and self.approval.wait >= self.deliver_by:
            message = "is not shorter than deliver_by, which it lies inside; shorten it or deliver later"
            raise problem_at(message, "approval", "wait")
        return self


def read_team(path: Path) -> YamlFile[TeamConfig]:
    """The team's file, named after its team. Raises ConfigError with every problem."""
    file = read_yaml(path, TeamConfig)
    if file.model.team != path.stem:
        message = f'"{file.model.team}" is not the name of the file; write "{path.stem}" or rename the file'
        raise ConfigError([file.problem(message, "team")])
    return file
