"""PAYLOAD_KEYS is read, or refused with what is wrong, and no key is ever shown."""

import base64

import pytest

from devsync.settings.environment import read_environment
from devsync.settings.payload_keys import KEY_BYTES, PayloadKey, payload_keys_of
from devsync.settings.problems import ConfigError

OLD, NEW = bytes(range(KEY_BYTES)), bytes(range(1, KEY_BYTES + 1))


def written(secret: bytes) -> str:
    return base64.b64encode(secret).decode()


def test_keys_stand_in_their_order() -> None:
    text = f"2026-11:{written(NEW)}, 2026-05:{written(OLD)},"
    assert payload_keys_of(text) == (PayloadKey("2026-11", NEW), PayloadKey("2026-05", OLD))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" , ", "names no key"),
        (written(NEW), "has a key without an id (number 1)"),
        (f":{written(NEW)}", "has a key without an id (number 1)"),
        (f"a:{written(NEW)},a:{written(OLD)}", "has two keys of the id 'a'"),
        (f"a:{written(NEW[:16])}", "has a key 'a' that is not 32 bytes"),
        (f"a:{written(NEW)[:-2]}", "has a key 'a' that is not 32 bytes"),
        (f"a:{written(NEW)[:-2]}ü=", "has a key 'a' that is not 32 bytes"),
    ],
)
def test_what_is_wrong_is_said_without_the_key(monkeypatch: pytest.MonkeyPatch, text: str, reason: str) -> None:
    monkeypatch.setenv("PAYLOAD_KEYS", text)
    with pytest.raises(ConfigError) as refused:
        read_environment()
    assert f"PAYLOAD_KEYS {reason}" in str(refused.value)
    assert written(NEW)[:8] not in str(refused.value)


def test_a_key_is_a_secret_alone_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYLOAD_KEYS", f"a:{written(NEW)},b:{written(OLD)}")
    environment = read_environment()
    assert {written(NEW), written(OLD)} <= set(environment.secrets())
    assert [key.id for key in environment.sealing_keys()] == ["a", "b"]
    monkeypatch.delenv("PAYLOAD_KEYS")
    assert read_environment().sealing_keys() == ()
