"""Texts that people and services have written, as they may stand in a row: without secrets.

The types of the columns that hold such texts, so that no statement can forget it. Keys and digests have others: a
password that is an ordinary word must not change what a row is found by.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from devsync.domain.redaction import redacted

_known: set[str] = set()


def keep_out(secrets: Iterable[str]) -> None:
    """From now on these stand in no row that this process writes, besides what looks like a secret."""
    _known.update(secrets)


def without_secrets(value: Any) -> Any:
    """The value with `[redacted]` in the place of each secret in its texts; names of fields stay."""
    if isinstance(value, str):
        return redacted(value, _known)
    if isinstance(value, Mapping):
        return {key: without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value


class Prose(TypeDecorator[str]):
    """Text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        cleaned: str | None = without_secrets(value)
        return cleaned


class ProseInJson(TypeDecorator[Any]):
    """JSONB with texts in it."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return without_secrets(value)
