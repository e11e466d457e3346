"""Types as the writer of a file knows them: `owner/name`, a duration, one of some words."""

from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, PositiveFloat, PositiveInt, SecretStr

from devsync.settings import addresses, durations, services, team_values

NAMED: tuple[tuple[Any, str], ...] = (
    (durations.PositiveDuration, "duration"),
    (durations.Duration, "duration, `0s` too"),
    (services.Factor, "number, 1 or more"),
    (PositiveInt, "whole number above 0"),
    (PositiveFloat, "number above 0"),
    (team_values.TeamName, "name of `a-z`, `0-9`, `-`"),
    (team_values.Timezone, "IANA timezone"),
    (team_values.Repository, "`owner/name`"),
    (team_values.ProjectKey, "project key"),
    (team_values.SlackChannelName, '`"#channel"` or channel id'),
    (team_values.SlackTarget, '`"#channel"`, `"@user"` or id'),
    (team_values.MailAddress, "mail address"),
    (addresses.WebAddress, "`http(s)://` address"),
    (addresses.GitAddress, "address that `git clone` takes"),
    (team_values.HolidayRegion, "`DE`, `DE-BE`"),
    (team_values.VariableName, "name of an environment variable"),
    (team_values.ClockTime, '`"HH:MM"`'),
)
"""The types that have a form of their own; of several that fit, the first is meant."""

PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "folder",
    SecretStr: "secret",
    timedelta: "duration",
    datetime: "time",
    date: "day",
    Any: "anything",
}


def words(hint: Any) -> str:
    """The type in words; a model by its name. `hint` comes from get_type_hints(…, include_extras=True)."""
    named = next((named for alias, named in NAMED if _is(hint, alias)), None)
    return named or PLAIN.get(hint) or _composed(hint, get_origin(hint), get_args(hint))


def _composed(hint: Any, origin: Any, inside: tuple[Any, ...]) -> str:
    shown = hint.__name__ if isinstance(hint, type) else str(hint)
    if origin is Annotated:
        shown = words(inside[0])
    elif origin is Literal:
        shown = ", ".join(f"`{choice}`" for choice in inside)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        shown = ", ".join(f"`{member.value}`" for member in hint)
    elif origin in (Union, UnionType):
        shown = " or ".join(words(member) for member in inside if member is not NoneType)
    elif origin in (tuple, list):
        shown = f"list of {words(inside[0])}"
    elif origin is dict:
        shown = f"mapping of {words(inside[0])} to {words(inside[1])}"
    return shown


def models_in(hint: Any) -> list[type[BaseModel]]:
    """The models that a type is made of, in order."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for member in get_args(hint) for model in models_in(member)]


def _is(hint: Any, alias: Any) -> bool:
    """Whether a hint is the alias, or the alias with something more in its Annotated."""
    if get_origin(hint) is not Annotated or get_origin(alias) is not Annotated:
        return bool(hint == alias)
    own = alias.__metadata__
    return bool(hint.__origin__ == alias.__origin__ and hint.__metadata__[: len(own)] == own)
