"""What pydantic found wrong, in the words of the person who edits the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from devsync.settings.problems import any_of, did_you_mean

Location = tuple[str | int, ...]


def first_of(wrong: ValidationError, model: type[BaseModel]) -> tuple[Location, str]:
    """Place and words of the first thing that is wrong, for who is told one at a time."""
    return describe(wrong.errors(include_url=False)[0], model)


def describe(error: ErrorDetails, model: type[BaseModel]) -> tuple[Location, str]:
    """The place of an error as the file has it, and `what is wrong; what to write`."""
    place = _place(error["loc"], model)
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        tag_name = str(context["discriminator"]).strip("'")
        return (*place.at, tag_name), _tag_message(error["type"], tag_name, context, place.kind)
    if error["type"] == "config":
        return (*place.at, *context["at"]), str(context["message"])
    return place.at, _message(error, context, place)


def in_words(error: ErrorDetails) -> str:
    """`what is wrong; what to write` of a value that stands in no file; it is not shown: it may be a password."""
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is missing; add it"
        case "literal_error" | "enum":
            allowed = str(context["expected"]).replace("'", "")
            return f"is not known; write {allowed}"
    return _constraint(error, context)


_LONGEST_SHOWN: Final = 100
"""Of a value, in characters: its writer knows it again."""

_NO_MAPPING: Final = "is not a mapping; write `key: value` pairs"
_NO_INTEGER: Final = "is not a whole number; write one"
_NO_NUMBER: Final = "is not a number; write one"
_NO_BOOLEAN: Final = "is neither true nor false; write one of them"
_AS_A_TIME: Final = "write it like 2026-11-30T18:00Z"

_CONSTRAINTS: Final = {
    "string_type": "is not a text; write one",
    "tuple_type": "is not a list; write one",
    "model_type": _NO_MAPPING,
    "model_attributes_type": _NO_MAPPING,
    "dict_type": _NO_MAPPING,
    "int_type": _NO_INTEGER,
    "int_parsing": _NO_INTEGER,
    "int_from_float": _NO_INTEGER,
    "float_type": _NO_NUMBER,
    "float_parsing": _NO_NUMBER,
    "bool_type": _NO_BOOLEAN,
    "bool_parsing": _NO_BOOLEAN,
    "greater_than": "is too small; write a number above {gt:g}",
    "greater_than_equal": "is too small; write {ge:g} or more",
    "less_than_equal": "is too large; write {le:g} or less",
    "too_short": "is empty; write at least {min_length}",
    "too_long": "is too long; write {max_length} entries or less",
    "string_too_short": "is empty; write something",
    "string_too_long": "is too long; write {max_length} characters or less",
    "timezone_aware": f"has no time zone; {_AS_A_TIME}",
    "datetime_from_date_parsing": f"is no time; {_AS_A_TIME}",
    "date_from_datetime_parsing": "is not a day; write it like 2026-11-30",
}
"""What is said after the value, by pydantic's error type; the names in braces are of the error's context."""


@dataclass(frozen=True)
class _Place:
    at: Location
    holder: type[BaseModel] | None
    """The model that has the last part of `at` as its field; None for list items and free keys."""
    kind: Any
    """The type declared there."""
    is_key: bool = False
    """The key itself is meant, not its value."""


def _message(error: ErrorDetails, context: Mapping[str, Any], place: _Place) -> str:
    value, name = error["input"], str(place.at[-1]) if place.at else "file"
    fields = _fields_as_written(place.holder) if place.holder else {}
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            examples = fields[name].examples if name in fields else None
            return f"is missing; {f'write for example `{name}: {examples[0]}`' if examples else 'add it'}"
        case "extra_forbidden":
            return f"is not a known key; {did_you_mean(name, fields, f'write {any_of(list(fields))}')}"
        case "literal_error" | "enum":
            allowed = [str(choice) for choice in get_args(place.kind) or place.kind]  # of a Literal or an Enum
            cure = f"write {any_of(allowed)}"
            known = "known here" if isinstance(place.at[-1], int) or place.is_key else f"a known {name}"
            return f"{_shown(value)} is not {known}; {did_you_mean(str(value), allowed, cure)}"
    if value is None:
        return 'has no value; write one, in quotes where it begins with "#"'
    return f"{_shown(value)} {_constraint(error, context)}"


def _constraint(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    value, kind = error["input"], error["type"]
    if kind == "string_type" and isinstance(value, int | float):
        return f'is not a text; write "{_shown(value)}"'
    if kind == "tuple_type" and isinstance(value, str | int):
        return f"is not a list; write [{value}]"
    if kind in _CONSTRAINTS:
        return _CONSTRAINTS[kind].format_map(context)
    return f"is wrong ({error['msg']}); correct it"


def _tag_message(error_type: str, tag_name: str, context: Mapping[str, Any], union: Any) -> str:
    members = get_args(_bare(union))
    known = [str(tag) for member in members for tag in get_args(member.model_fields[tag_name].annotation)]
    cure = f"write {any_of(known)}"
    if error_type == "union_tag_not_found":
        return f"is missing; {cure}"
    return f'"{context["tag"]}" is not a known {tag_name}; {did_you_mean(str(context["tag"]), known, cure)}'


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value[:_LONGEST_SHOWN]}…"' if len(value) > _LONGEST_SHOWN else f'"{value}"'
        case list() | tuple():
            return "the list"
        case dict():
            return "the mapping"
    return str(value)


def _place(location: Location, model: type[BaseModel]) -> _Place:
    """Where pydantic's location is in the file: without its own labels (union tags, "[key]")."""
    at: list[str | int] = []
    holder: type[BaseModel] | None = None
    kind: Any = model
    of_key: Any = None
    for part in location:
        if part == "[key]":
            return _Place(tuple(at), holder, _bare(of_key), is_key=True)
        kind = _bare(kind)
        arguments = get_args(kind)
        if _is_model(kind):
            at.append(part)
            holder, field = kind, _fields_as_written(kind).get(str(part))
            kind = field.annotation if field else None
        elif get_origin(kind) in (Union, UnionType):
            kind = next(member for member in arguments if _answers_to(member, part))
        elif get_origin(kind) in (tuple, dict):
            at.append(part)
            holder, of_key = None, arguments[0]
            kind = arguments[1] if get_origin(kind) is dict else arguments[0]
    return _Place(tuple(at), holder, _bare(kind))


def _bare(kind: Any) -> Any:
    """The type inside Annotated, Optional and a root model."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if _is_model(kind) and issubclass(kind, RootModel):
        return _bare(kind.model_fields["root"].annotation)
    others = [member for member in get_args(kind) if member is not type(None)]
    if get_origin(kind) in (Union, UnionType) and len(others) == 1:
        return _bare(others[0])
    return kind


def _fields_as_written(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By the key that the file has: `with`, where Python has no such name."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _answers_to(member: type[BaseModel], tag: str | int) -> bool:
    return any(tag in get_args(field.annotation) for field in member.model_fields.values())
