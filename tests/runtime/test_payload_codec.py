"""What is sealed opens with its key and with no other, whatever was done to it; what is not sealed stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload

from devsync.runtime.payload_codec import ENCODING, KeyMissing, SealedPayloads
from devsync.settings.payload_keys import KEY_BYTES, PayloadKey

OLD = PayloadKey("2026-05", bytes(range(KEY_BYTES)))
NEW = PayloadKey("2026-11", bytes(range(1, KEY_BYTES + 1)))
PLAIN = Payload(metadata={"encoding": b"json/plain", "messageType": b"x"}, data=b'{"team": "payments"}')


async def sealed(payload: Payload = PLAIN, *keys: PayloadKey) -> Payload:
    (found,) = await SealedPayloads(keys or (NEW,)).encode([payload])
    return found


async def opened(payload: Payload, *keys: PayloadKey) -> Payload:
    (found,) = await SealedPayloads(keys or (NEW,)).decode([payload])
    return found


async def test_nothing_of_it_can_be_read_and_its_key_is_named() -> None:
    payload = await sealed()
    assert payload.metadata == {"encoding": ENCODING, "encryption-key-id": b"2026-11"}
    assert b"payments" not in payload.SerializeToString()
    assert b"json" not in payload.SerializeToString()
    assert payload.data != (await sealed()).data, "the same text twice does not look the same"


@given(data=st.binary(), encoding=st.binary(), more=st.dictionaries(st.text(), st.binary()))
async def test_it_comes_back_as_it_was(data: bytes, encoding: bytes, more: dict[str, bytes]) -> None:
    payload = Payload(metadata=more | {"encoding": encoding}, data=data)
    assert await opened(await sealed(payload)) == payload


async def test_after_a_rotation_the_old_opens_and_the_new_seals() -> None:
    keys = (NEW, OLD)
    assert await opened(await sealed(PLAIN, OLD), *keys) == PLAIN
    assert (await sealed(PLAIN, *keys)).metadata["encryption-key-id"] == b"2026-11"


async def test_without_its_key_the_cure_is_said() -> None:
    payload = await sealed(PLAIN, OLD)
    with pytest.raises(KeyMissing, match="sealed with the key '2026-05', which PAYLOAD_KEYS does not have"):
        await opened(payload, NEW)


async def test_what_is_not_sealed_stays_readable() -> None:
    assert await opened(PLAIN) == PLAIN
    assert await opened(Payload()) == Payload()


async def test_what_somebody_has_broken_is_left_for_its_reader_to_refuse() -> None:
    payload = await sealed()
    other = PayloadKey("2026-11", OLD.secret)
    broken = [
        Payload(metadata=payload.metadata, data=payload.data[:-1] + bytes([payload.data[-1] ^ 1])),
        Payload(metadata=payload.metadata, data=payload.data[:11]),
        Payload(metadata=payload.metadata, data=b""),
        await sealed(PLAIN, other),
    ]
    for one in broken:
        assert await opened(one) == one
    renamed = Payload(metadata=dict(payload.metadata) | {"encryption-key-id": b"2026-05"}, data=payload.data)
    assert await opened(renamed, NEW, PayloadKey("2026-05", NEW.secret)) == renamed, "an id belongs to its payload"
