"""PAYLOAD_KEYS: the keys with which what goes to Temporal is sealed."""

from __future__ import annotations

import base64
from typing import Final, NamedTuple

KEY_BYTES: Final = 32
"""AES-256."""


class PayloadKey(NamedTuple):
    """`id` stands readable in every payload that is sealed with it; `secret` has KEY_BYTES bytes."""

    id: str
    secret: bytes


def payload_keys_of(text: str) -> tuple[PayloadKey, ...]:
    """`2026-11:<base64>`, several between commas: the first one seals, all of them open.

    Raises ValueError with what is wrong, and never with a key.
    """
    keys = tuple(_key(part.strip(), number) for number, part in enumerate(text.split(","), 1) if part.strip())
    if not keys:
        raise ValueError("names no key")
    ids = [key.id for key in keys]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise ValueError(f"has two keys of the id {min(twice)!r}; give each its own, as the month of its making")
    return keys


def _key(text: str, number: int) -> PayloadKey:
    id_, colon, encoded = text.partition(":")
    if not id_ or not colon:
        raise ValueError(
            f"has a key without an id (number {number}); write id:key, as 2026-11:$(openssl rand -base64 32)"
        )
    try:
        secret = base64.b64decode(encoded, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ValueError(
            f"has a key {id_!r} that is not {KEY_BYTES} bytes in base64; make one by openssl rand -base64 32"
        )
    return PayloadKey(id_, secret)
