"""What leaves the process of spans: each once, and nothing that is not on the list."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision
from opentelemetry.trace import SpanContext, TraceFlags

from devsync.runtime import tracing


def span(number: int) -> ReadableSpan:
    return ReadableSpan("GET", SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(1)))


def test_a_span_that_ends_again_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "REMEMBERED", 2)
    sent = InMemorySpanExporter()
    bare = tracing._Bare(sent)
    for numbers in ([1, 2], [2, 3], [3], [1]):
        bare.export([span(number) for number in numbers])
    assert [one.context.span_id for one in sent.get_finished_spans() if one.context] == [1, 2, 3, 1]  # 1 was forgotten


def test_addresses_messages_and_tracebacks_stay() -> None:
    sent = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(tracing._Bare(sent)))
    attributes = {"url.full": "https://calendar.acme.dev/secret.ics", "http.request.method": "GET"}
    with (
        pytest.raises(ValueError, match="secret"),
        provider.get_tracer("test").start_as_current_span("GET", attributes=attributes),
    ):
        raise ValueError("a secret")
    (found,) = sent.get_finished_spans()
    assert "secret" not in found.to_json()
    assert (found.attributes, found.events, found.status.is_ok) == ({"http.request.method": "GET"}, (), False)


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("RunWorkflow:WeeklyChangelog", Decision.RECORD_AND_SAMPLE),
        ("RunWorkflow:CircuitBreaker", Decision.DROP),
        ("SignalWithStartWorkflow:CircuitBreaker", Decision.DROP),
        ("GET", Decision.DROP),
    ],
)
def test_only_runs_that_end_begin_traces(name: str, decision: Decision) -> None:
    assert tracing._OfRuns(ALWAYS_ON).should_sample(None, 1, name).decision is decision
