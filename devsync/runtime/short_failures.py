"""Keeps every failure that goes to Temporal short enough to be kept.

Of an activity that is tried again the server keeps the last failure in the run's mutable state, up to 4 KB (it
warns above 2 KB). A larger one it replaces by "Failure exceeds size limit.", without details: when the budget then
runs out, nobody knows any more what kind of failure it was. Two tracebacks alone are larger than that.
"""

from collections.abc import Iterator

from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter

LIMIT_BYTES = 2048

SEALED_MESSAGE = "Encoded failure"
"""The SDK's own words in the place of those that are sealed."""

_DEEPEST_CAUSE = 3
_SHORT_MESSAGE_CHARACTERS = 200


class ShortFailures(DefaultFailureConverter):
    """The SDK's own failures; a large one loses tracebacks and causes first, and never its details or its type."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        super().to_failure(exception, payload_converter, failure)
        shorten(failure)


class ShortSealedFailures(DefaultFailureConverter):
    """The same, with words and tracebacks where a codec seals them; the types of failures stay readable."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        ShortFailures().to_failure(exception, payload_converter, failure)  # with its causes, before anything is moved
        for part in _chain(failure):
            words = {"message": part.message, "stack_trace": part.stack_trace}
            part.encoded_attributes.CopyFrom(payload_converter.to_payloads([words])[0])
            part.message, part.stack_trace = SEALED_MESSAGE, ""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        worded = Failure()
        worded.CopyFrom(failure)
        # All at once, and out of where they were: the SDK leaves those of causes there, and a failure that is handed on
        # would lose them, or be too long with both.
        for part in _chain(worded):
            if part.HasField("encoded_attributes"):
                words: dict[str, str] = payload_converter.from_payloads([part.encoded_attributes])[0]
                part.message, part.stack_trace = words["message"], words["stack_trace"]
                part.ClearField("encoded_attributes")
        return super().from_failure(worded, payload_converter)


def shorten(failure: Failure, limit_bytes: int = LIMIT_BYTES) -> None:
    """Cuts in this order, as far as needed: the outer tracebacks, the deep causes, the causes' and its own message.

    Of a traceback the end stays, which names the line that raised.
    """
    if failure.ByteSize() <= limit_bytes:
        return
    chain = list(_chain(failure))
    if len(chain) > _DEEPEST_CAUSE:
        chain[_DEEPEST_CAUSE].ClearField("cause")
        chain = chain[: _DEEPEST_CAUSE + 1]
    for part in chain:
        excess = failure.ByteSize() - limit_bytes
        if excess <= 0:
            return
        # Two bytes of every cut may be half a character, and each level counts its own length.
        part.stack_trace = _end(part.stack_trace, len(part.stack_trace.encode()) - excess - 8)
    for part in reversed(chain):
        if failure.ByteSize() <= limit_bytes:
            return
        part.message = part.message[:_SHORT_MESSAGE_CHARACTERS]
    if failure.ByteSize() > limit_bytes:
        failure.ClearField("cause")


def _chain(failure: Failure) -> Iterator[Failure]:
    yield failure
    while failure.HasField("cause"):
        failure = failure.cause
        yield failure


def _end(text: str, limit_bytes: int) -> str:
    if limit_bytes <= 0:
        return ""
    return text.encode()[-limit_bytes:].decode(errors="ignore")
