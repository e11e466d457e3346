"""Texts that people and services have written, as they may stand in a row: without secrets, and such as it can hold."""

from collections.abc import Iterable, Mapping
from typing import Any

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


def storable(value: Any) -> Any:
    """The value without what PostgreSQL cannot hold in text or jsonb: NUL and lone surrogates become U+FFFD.

    Titles and names come from outside; one bad character must not keep a whole record from being written.
    """
    if isinstance(value, str):
        text = value.replace("\0", "\ufffd")
        return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
