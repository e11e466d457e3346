"""The texts in a team's file that have a form of their own, each refused with the right form."""

from __future__ import annotations

import re
from datetime import time
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from devsync.settings.holiday_regions import problem_of_region
from devsync.settings.problems import did_you_mean

_TEAM: Final = re.compile(r"[a-z0-9-]+")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_REPOSITORY_URL: Final = re.compile(r"(?:https?://|git@)[^/:]+[/:]([^/]+/[^/]+?)(?:\.git)?/?")
_PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]+")
_SLACK_CHANNEL: Final = re.compile(r"#[\w-]{1,80}|[CGD][A-Z0-9]{7,}")
_SLACK_TARGET: Final = re.compile(r"[#@][\w.-]{1,80}|[CGDUW][A-Z0-9]{7,}")
_MAIL_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_HOLIDAYS: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _team(name: str) -> str:
    if _TEAM.fullmatch(name) is None:
        allowed = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
        cure = f'write "{allowed}"' if allowed else "write one"
        raise ValueError(f'"{name}" is not a team name (a-z, 0-9 and "-"); {cure}')
    return name


def _timezone(name: str) -> str:
    if name not in _timezones():
        cure = did_you_mean(name, _timezones(), 'write one like "Europe/Berlin" or "UTC"')
        raise ValueError(f'"{name}" is not a timezone of the IANA database; {cure}')
    return name


def _repository(name: str) -> str:
    if _REPOSITORY.fullmatch(name) is None:
        url = _REPOSITORY_URL.fullmatch(name)
        cure = f'write "{url[1]}"' if url else 'write owner/name, as "acme/payments-api"'
        raise ValueError(f'"{name}" is not a repository; {cure}')
    return name


def _project_key(key: str) -> str:
    if _PROJECT_KEY.fullmatch(key) is None:
        cure = (
            f'write "{key.upper()}"' if _PROJECT_KEY.fullmatch(key.upper()) else 'write the key before "-1", as "PAY"'
        )
        raise ValueError(f'"{key}" is not a JIRA project key; {cure}')
    return key


def _slack_channel(channel: str) -> str:
    if _SLACK_CHANNEL.fullmatch(channel) is None or (channel.startswith("#") and channel != channel.lower()):
        named = f"#{channel.removeprefix('#').lower()}"
        cure = f'write "{named}"' if _SLACK_CHANNEL.fullmatch(named) else 'write it as "#payments" or by its id'
        raise ValueError(f'"{channel}" is not a Slack channel; {cure}')
    return channel


def _slack_target(target: str) -> str:
    if _SLACK_TARGET.fullmatch(target) is None:
        raise ValueError(f'"{target}" is nobody in Slack; write "#channel", "@user" or an id')
    return target


def _mail_address(address: str) -> str:
    if _MAIL_ADDRESS.fullmatch(address) is None:
        raise ValueError(f'"{address}" is not a mail address; write it as "payments@acme.dev"')
    return address


def _holidays(region: str) -> str:
    if _HOLIDAYS.fullmatch(region) is None:
        raise ValueError(f'"{region}" is not a country or region (ISO 3166); write one like "DE" or "DE-BE"')
    if problem := problem_of_region(region):
        raise ValueError(problem)
    return region


def _variable(name: str) -> str:
    if _VARIABLE.fullmatch(name) is None:
        # Not quoted: it may be the secret itself.
        raise ValueError('is not the name of an environment variable; write one like "PAYMENTS_WEBHOOK_SECRET"')
    return name


def _clock(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _CLOCK.fullmatch(value)
    if match is None:
        padded = f"0{value}"
        cure = f'write "{padded}"' if _CLOCK.fullmatch(padded) else 'write hours and minutes, as "09:00"'
        raise ValueError(f'"{value}" is not a time of day; {cure}')
    return time(int(match[1]), int(match[2]))


TeamName = Annotated[str, AfterValidator(_team)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Repository = Annotated[str, AfterValidator(_repository)]
ProjectKey = Annotated[str, AfterValidator(_project_key)]
SlackChannelName = Annotated[str, AfterValidator(_slack_channel)]
SlackTarget = Annotated[str, AfterValidator(_slack_target)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
HolidayRegion = Annotated[str, AfterValidator(_holidays)]
VariableName = Annotated[str, AfterValidator(_variable)]
ClockTime = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda clock: clock.strftime("%H:%M"), return_type=str, when_used="json"),
]
