"""A failure is short enough for the server to keep, and never loses what kind it is."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.failure.v1 import Failure as Proto
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.redaction import MESSAGE_LIMIT_BYTES, bounded
from devsync.runtime.activity_errors import to_application_error
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.short_failures import LIMIT_BYTES, SEALED_MESSAGE, ShortFailures, ShortSealedFailures, shorten
from workflows.registry import WORKFLOWS

CONVERTER = dataclasses.replace(pydantic_data_converter, failure_converter_class=ShortFailures)
DEFAULT = dataclasses.replace(pydantic_data_converter, failure_converter_class=DefaultFailureConverter)


def raised(depth: int, words: str, failure: Failure) -> ApplicationError:
    """The failure, raised from a chain of causes, each with a traceback through `depth` frames."""

    def dig(level: int) -> None:
        if level:
            try:
                dig(level - 1)
            except Exception as error:
                raise ApplicationError(f"{words} {level}", type="RuntimeError") from error
        raise RuntimeError(words)

    try:
        dig(depth)
    except Exception as cause:
        error = to_application_error(failure, None)
        error.__cause__ = cause
        return error
    raise AssertionError("nothing was raised")


def converted(error: BaseException, converter: Any = CONVERTER) -> Proto:
    proto = Proto()
    converter.failure_converter.to_failure(error, converter.payload_converter, proto)
    return proto


def failure(message: str = "github answered 503") -> Failure:
    return Failure(category=ErrorCategory.EXTERNAL_SERVICE, message=message, is_retryable=True, code="503")


def words(error: BaseException | None) -> list[str]:
    """Its own and its causes'."""
    return [str(error), *words(error.__cause__)] if error else []


def read(proto: Proto) -> Any:
    return CONVERTER.failure_converter.from_failure(proto, CONVERTER.payload_converter)


def test_a_long_chain_is_cut_to_what_the_server_keeps() -> None:
    error = raised(30, "word " * 100, failure(bounded("é" * 2000)))
    assert converted(error, DEFAULT).ByteSize() > 10 * LIMIT_BYTES
    short = converted(error)
    assert short.ByteSize() <= LIMIT_BYTES
    back = read(short)
    assert back.type == "external_service"
    assert Failure.model_validate(back.details[0]).code == "503"


def test_the_line_that_raised_stays_as_long_as_there_is_room() -> None:
    short = converted(raised(2, "words", failure()))
    assert short.ByteSize() <= LIMIT_BYTES
    innermost = short
    while innermost.HasField("cause"):
        innermost = innermost.cause
    assert "raise RuntimeError(words)" in innermost.stack_trace


def test_a_short_failure_is_left_as_it_is() -> None:
    error = ApplicationError("m", type="t")
    assert converted(error) == converted(error, DEFAULT)


def test_the_longest_message_still_leaves_room_for_the_details() -> None:
    longest = failure(bounded("\U0001f600" * 1000))
    assert len(longest.message.encode()) >= MESSAGE_LIMIT_BYTES - 6
    back = read(converted(raised(3, "words", longest)))
    assert Failure.model_validate(back.details[0]) == longest


@given(st.integers(0, 12), st.integers(0, 3000), st.integers(0, 3000))
def test_no_chain_is_too_long(depth: int, trace: int, message: int) -> None:
    proto = part = Proto()
    for _ in range(depth):
        part.message, part.stack_trace = "é" * message, "line\n" * (trace // 5)
        part = part.cause
    part.application_failure_info.type = "x"
    proto.message = proto.message[:100]
    shorten(proto)
    assert proto.ByteSize() <= LIMIT_BYTES


def test_the_plugin_brings_it() -> None:
    config = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin()]).config(active_config=True)
    assert config["data_converter"].failure_converter_class is ShortFailures


def test_where_payloads_are_sealed_words_and_tracebacks_are_handed_over_for_it() -> None:
    sealed = dataclasses.replace(pydantic_data_converter, failure_converter_class=ShortSealedFailures)
    error = raised(30, "word " * 100, failure())
    proto = converted(error, sealed)
    part = proto
    while part.HasField("cause"):
        part = part.cause
        assert (part.message, part.stack_trace) == (SEALED_MESSAGE, "")
    assert proto.ByteSize() < 2 * LIMIT_BYTES, "what the server keeps"
    first = sealed.failure_converter.from_failure(proto, sealed.payload_converter)
    handed_on = sealed.failure_converter.from_failure(converted(first, sealed), sealed.payload_converter)
    assert words(handed_on) == words(first)
    assert words(first)[:2] == words(error)[:2]
