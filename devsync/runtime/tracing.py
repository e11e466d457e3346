"""Traces by OpenTelemetry: a run, its activities and their HTTP calls, across workers, to wherever OTEL_* say.

Imported only where those variables ask for traces (`telemetry.wants_traces`). What leaves the process is what `_Bare`
lets through: names, times, ids and codes. Addresses, messages and tracebacks may hold secrets and people's words.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from os import environ
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes
from temporalio.client import Plugin
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

from devsync.contracts import names

SERVICE_NAME: Final = "devsync-worker"
"""Where OTEL_SERVICE_NAME says no other."""

LAST_WORDS: Final = 3.0
"""Seconds that a worker which stops waits for its last spans to be taken."""

REMEMBERED: Final = 10_000
"""How many of the last spans are remembered as sent."""

_LET_THROUGH: Final = frozenset(
    {
        "temporalWorkflowID",
        "temporalRunID",
        "temporalActivityID",
        "http.request.method",
        "http.response.status_code",
        "server.address",
        "server.port",
        "error.type",
    }
)

_RUN: Final = "RunWorkflow:"
_ENDLESS: Final = frozenset(f"{_RUN}{name}" for name in (names.CIRCUIT_BREAKER, names.HEALTH_MONITOR))
"""Runs that are no story with an end: a trace of one would grow for ever."""

_log = logging.getLogger("devsync.tracing")


@asynccontextmanager
async def tracing() -> AsyncIterator[Plugin]:
    """Inside, the client that is given the plugin, its workers and every HTTP call make spans. Once a process."""
    environ.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)
    from_environment = TracerProvider(shutdown_on_exit=False)
    provider = create_tracer_provider(sampler=_OfRuns(from_environment.sampler), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_Bare(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    _instrument_clients()
    try:
        yield OpenTelemetryPlugin(add_temporal_spans=True)
    finally:
        await _within(LAST_WORDS, provider.shutdown)


def _instrument_clients() -> None:
    if "OTEL_PROPAGATORS" not in environ:
        propagate.set_global_textmap(CompositePropagator([]))  # GitHub, JIRA and Slack need not know of our traces
    environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")  # the names that _LET_THROUGH knows; read on import
    from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor

    for instrumentor in (AioHttpClientInstrumentor(), HTTPXClientInstrumentor(), RequestsInstrumentor()):
        instrumentor.instrument()


async def _within(seconds: float, shut_down: Callable[[], None]) -> None:
    """A collector that is away or silent holds up no worker: what it has not taken by then is lost."""
    # A thread of our own: those of asyncio are waited for when the loop ends.
    ending = threading.Thread(target=shut_down, daemon=True)
    ending.start()
    until = time.monotonic() + seconds
    while ending.is_alive():
        if time.monotonic() > until:
            _log.warning("the last spans were not taken in %g s", seconds)
            return
        await asyncio.sleep(0.05)


class _OfRuns(Sampler):
    """Traces begin with runs. What a worker does on its own account, such as its breakers' reports, begins none."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        is_root = not trace.get_current_span(parent_context).get_span_context().is_valid
        if is_root and (not name.startswith(_RUN) or name in _ENDLESS):
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"OfRuns({self._inner.get_description()})"


class _Bare(SpanExporter):
    """Sends each span once, without anything that is not known to be harmless.

    A workflow task that the server refuses, since something has happened meanwhile, is done again, and so are the spans
    that ended in it: under the same ids, which the workflow's own randomness makes.
    """

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._sent: dict[tuple[int, int], None] = {}

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_bare(span) for span in spans if self._is_new(span)])

    def _is_new(self, span: ReadableSpan) -> bool:
        if span.context is None:
            return True
        key = (span.context.trace_id, span.context.span_id)
        if key in self._sent:
            return False
        self._sent[key] = None
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return True

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _bare(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={key: value for key, value in (span.attributes or {}).items() if key in _LET_THROUGH},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
