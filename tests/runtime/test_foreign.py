"""Exceptions that are named without their libraries: each exists, and none is met where its library is not loaded."""

import sys
from importlib import import_module
from types import ModuleType

import pytest

from devsync.runtime.classification import TABLE
from devsync.runtime.failures import database, http
from devsync.runtime.failures.foreign import Foreign, is_one_of

NAMED = [
    *(kinds for kinds, _ in (*TABLE, *http.BELOW) if isinstance(kinds, Foreign)),
    database.DRIVER,
    database.OPERATIONAL,
    database.POOL_TIMEOUT,
]


@pytest.mark.parametrize("kinds", NAMED, ids=lambda kinds: f"{kinds.module}:{kinds.names[0]}")
def test_what_is_named_is_an_exception_of_the_library(kinds: Foreign) -> None:
    import_module(kinds.module)
    assert len(kinds.types) == len(kinds.names)
    assert all(issubclass(one, BaseException) for one in kinds.types)


def test_an_error_is_of_no_library_that_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    kinds = Foreign("httpx", "ConnectError")
    error = httpx.ConnectError("away")
    assert is_one_of(error, kinds)
    monkeypatch.delitem(sys.modules, "httpx")
    assert not is_one_of(error, kinds)


def test_of_a_library_that_is_being_loaded_those_are_met_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    half = ModuleType("half")
    half.First = KeyError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "half", half)
    assert Foreign("half", "First", "Second").types == (KeyError,)
