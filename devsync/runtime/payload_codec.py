"""Encrypts what goes to Temporal: inputs, results, messages, answers, memos, summaries, details, and words of failures.

AES-256-GCM with a nonce of its own for each payload. A sealed payload carries the id of its key, so that keys can be
rotated: the first one seals, all of them open. What is not sealed stays readable: histories from before there were
keys, and signals that people type by hand. Search attributes are never sealed; the server could not find by them.

The form is that of Temporal's own samples (encoding `binary/encrypted`, metadata `encryption-key-id`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final, Never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import EncodingPayloadConverter, PayloadCodec

from devsync.settings.payload_keys import PayloadKey

ENCODING: Final = b"binary/encrypted"
_NONCE_BYTES: Final = 12
"""What GCM is made for (NIST SP 800-38D, 8.2); random, it is good for 2³² payloads a key."""


class KeyMissing(Exception):
    """A payload was sealed with a key that this process does not have."""


def unreadable(error: KeyMissing) -> str:
    """For people, within a sentence: what that means, and what is missing."""
    return f"what Temporal keeps cannot be read here: it is {error}"


class SealedPayloads(PayloadCodec):
    """`keys`: the first one seals, all of them open."""

    def __init__(self, keys: Sequence[PayloadKey]) -> None:
        self._sealing = keys[0].id.encode()
        self._ciphers = {key.id.encode(): AESGCM(key.secret) for key in keys}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._sealed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises KeyMissing, with which a workflow's task fails and is tried again: it goes on when the key is given.

        What is broken comes back as it is, for whoever reads it to refuse: one bad signal wedges no run.
        """
        return [self._opened(payload) for payload in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._sealing].encrypt(nonce, payload.SerializeToString(), self._sealing)
        return Payload(metadata={"encoding": ENCODING, "encryption-key-id": self._sealing}, data=nonce + sealed)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get("encryption-key-id", b"")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissing(_missing(key_id))
        try:
            return Payload.FromString(cipher.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], key_id))
        except (InvalidTag, ValueError, DecodeError):  # ValueError: shorter than a nonce
            return payload


class KeylessConverter(PydanticPayloadConverter):
    """Of a process without any key: reads what is not sealed, and says of the rest what is missing, not `KeyError`."""

    def __init__(self) -> None:
        super().__init__()
        self.converters = {**self.converters, ENCODING: _Unopened()}


class _Unopened(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """Nothing is made in this form: values go on to the next converter."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Never:
        raise KeyMissing(_missing(payload.metadata.get("encryption-key-id", b"")))


def _missing(key_id: bytes) -> str:
    return (
        f"sealed with the key {key_id.decode(errors='replace')!r}, which PAYLOAD_KEYS does not have; "
        "add it behind the first one"
    )
