"""The name under which a person's decision is recorded."""

import os

import pytest

from commands import person


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr(person, "getuser", nobody)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert person.me() == "uid 4242"
