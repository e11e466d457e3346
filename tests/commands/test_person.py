"""The name under which a person's decision is recorded."""

import os

import pytest

from commands import person
from commands.console import Exit, Told


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(person, "getuser", nobody)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert person.me() == "uid 4242"


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_reason_is_none(empty: str) -> None:
    with pytest.raises(Told, match=r"^--reason is empty; say in a few words why$") as told:
        person.given(empty)
    assert told.value.code is Exit.USAGE
    assert person.given(" wrong week ") == "wrong week"
