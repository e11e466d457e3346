"""Types of columns for texts that people and services have written: no statement can forget to leave out secrets.

Keys and digests have other types: a password that is an ordinary word must not change what a row is found by.
"""

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from devsync.storage.prose import without_secrets


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
