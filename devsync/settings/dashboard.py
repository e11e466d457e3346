"""config/dashboard.yaml: the register of people: who they are, how they sign in, what they may see and do.

It is the only one. Other files name people by the names that they have here (`people` of escalation.yaml narrows who
may answer), and `problems_with` holds them against it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from devsync.domain.model import Model
from devsync.settings.durations import Duration, format_duration
from devsync.settings.escalation import EscalationSettings
from devsync.settings.problems import any_of, did_you_mean, problem_at
from devsync.settings.team_values import MailAddress
from devsync.settings.yaml_file import YamlFile, read_yaml

EVERY_TEAM: Final = "*"
OPENID_CALLBACK: Final = "/sign-in/openid/callback"
"""Of the dashboard's address: where the OpenID provider sends people back to, and must know beforehand."""


class Role(StrEnum):
    VIEW = "view"
    """Sees pages."""
    OPERATE = "operate"
    """Also decides, replays, pauses, forces."""


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def _digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("is not a sha256 in hexadecimal; make a token by `python starter.py dashboard token`")
    return value


def _member(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{7,20}", value):
        raise ValueError(f'"{value}" is no id of a Slack member; copy it from the profile in Slack: "Copy member ID"')
    return value


def _lifetime(value: timedelta) -> timedelta:
    if not timedelta(minutes=5) <= value <= timedelta(days=7):
        raise ValueError(f'"{format_duration(value)}" is not between 5m and 7d; write 12h')
    return value


Text = Annotated[str, AfterValidator(_text)]
Digest = Annotated[str, AfterValidator(_digest)]
SlackMember = Annotated[str, AfterValidator(_member)]


class Grant(Model):
    """What somebody may do, and for which teams."""

    role: Role = Role.VIEW
    """`view` or `operate`."""
    teams: Annotated[tuple[Text, ...], Field(examples=["[payments]"])]
    """Names of teams; `["*"]` is every team, and what belongs to none: breakers, the monitor, the audit of both."""


class Person(Grant):
    """Somebody by name. At least one of the last three is needed."""

    name: Annotated[Text, Field(examples=["anna"])]
    """What decisions are recorded with; the command line gives the login name."""
    email: MailAddress | None = None
    """Signs in by OpenID Connect, with this verified address."""
    token_sha256: Digest | None = None
    """Signs in by a token of which this is the sha256; it is kept nowhere itself."""
    slack: SlackMember | None = None
    """Presses buttons in Slack as the member with this id, as U024BE7LH; names change there, ids do not."""

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.email is None and self.token_sha256 is None and self.slack is None:
            raise problem_at("has no way to sign in; write email, token_sha256 or slack", "name")
        # Who is known by a group alone is called by the address: nobody else may have that name.
        if "@" in self.name and self.name.casefold() != (self.email or "").casefold():
            raise problem_at(f'"{self.name}" is an address; write it as email', "name")
        return self


class Group(Grant):
    """Whoever the OpenID provider says belongs to it."""

    group: Annotated[Text, Field(examples=["payments-leads"])]
    """As the provider names it in its claim."""


class DashboardSettings(Model):
    """config/dashboard.yaml. With nobody in it the dashboard is open, and listens on this machine alone."""

    people: tuple[Person, ...] = ()
    """Who may sign in, by name."""
    groups: tuple[Group, ...] = ()
    """Who may sign in by membership; of several, the rights add up."""
    groups_claim: Text = "groups"
    """Where the OpenID provider names the groups."""
    session: Annotated[Duration, AfterValidator(_lifetime)] = timedelta(hours=12)
    """How long one is signed in; from 5m to 7d."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for field in ("name", "email", "token_sha256", "slack"):
            seen: set[str] = set()
            for at, person in enumerate(self.people):
                value = getattr(person, field)
                if value is not None and value.casefold() in seen:
                    raise problem_at(f'"{value}" is somebody else\'s already', "people", at, field)
                seen.add((value or "").casefold())
        return self

    @property
    def is_open(self) -> bool:
        """Nobody has to sign in."""
        return not self.people and not self.groups

    def person(self, name: str) -> Person | None:
        """By name, in any letter case."""
        return next((one for one in self.people if one.name.casefold() == name.casefold()), None)

    def person_with_email(self, address: str) -> Person | None:
        """By address, in any letter case. Only for one that a provider has verified."""
        return next((one for one in self.people if one.email and one.email.casefold() == address.casefold()), None)

    def person_in_slack(self, member: str) -> Person | None:
        """By the id of a member. Only for one that a signed request of Slack's names."""
        return next((one for one in self.people if one.slack == member), None)


def new_token() -> str:
    """What somebody signs in with: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What the register keeps of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_dashboard(path: Path) -> YamlFile[DashboardSettings]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, DashboardSettings)


def problems_with(
    register: YamlFile[DashboardSettings], teams: Collection[str], escalation: YamlFile[EscalationSettings] | None
) -> Iterator[str]:
    """Where the register and the other files do not agree, each with file, line and cure."""
    grants = {"people": register.model.people, "groups": register.model.groups}
    for kind, given in grants.items():
        for at, grant in enumerate(given):
            for number, team in enumerate(grant.teams):
                if team != EVERY_TEAM and team not in teams:
                    otherwise = f"write {any_of(sorted(teams))}" if teams else "no team has a file yet"
                    problem = f'there is no team "{team}"; {did_you_mean(team, teams, otherwise)}'
                    yield register.problem(problem, kind, at, "teams", number)
    if escalation is not None and not register.model.is_open:
        for at, name in enumerate(escalation.model.people):
            if problem := _cannot_answer(register.model, name, register.path.name):
                yield escalation.problem(problem, "people", at)


def _cannot_answer(register: DashboardSettings, name: str, file: str) -> str:
    """Why somebody whom escalation.yaml lets answer could not do it; empty: they can."""
    person = register.person(name)
    if person is None:
        if register.groups and "@" in name:  # known by a group, and called by the address
            return ""
        known = [one.name for one in register.people]
        return f'"{name}" is nobody of {file}; {did_you_mean(name, known, "add them there, or remove the name")}'
    if person.role is not Role.OPERATE:
        return f'"{name}" may only look, as {file} says; write `role: operate` there, or remove the name'
    return ""
