"""What was asked of the stand-ins: the measure of API calls and of concurrency, and the witness of every test."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.service import Clock

_CONDITIONS = ("If-None-Match", "If-Modified-Since")


@dataclass(slots=True)
class RequestRecord:
    """One request. `status` is None while it is in flight, and for ever when no answer was sent (a reset)."""

    number: int
    service: str
    method: str
    path: str
    query: str
    started_at: datetime
    in_flight_at_start: int
    """Requests of the same service that were being answered, this one included."""
    is_conditional: bool
    """It came with If-None-Match or If-Modified-Since: an answer of 304 was possible."""
    status: int | None = None
    seconds: float | None = None
    faults: tuple[str, ...] = ()
    """Kinds of the faults that shaped the answer; latency alone leaves the answer true."""
    was_reset: bool = False
    """The connection was reset: nobody saw a status."""

    @property
    def is_faulted(self) -> bool:
        return any(kind != "latency" for kind in self.faults)

    def as_json(self) -> dict[str, object]:
        return {
            "number": self.number,
            "service": self.service,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "started_at": self.started_at.isoformat(),
            "in_flight_at_start": self.in_flight_at_start,
            "is_conditional": self.is_conditional,
            "status": self.status,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "faults": list(self.faults),
            "is_faulted": self.is_faulted,
        }


RECORD = web.RequestKey("record", RequestRecord)
"""Where the record of a request hangs while it is answered: the faults mark it."""


class RequestLog:
    """Every request since the start or the last `clear`, in order of arrival."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: list[RequestRecord] = []
        self._in_flight: Counter[str] = Counter()
        self._max_in_flight: Counter[str] = Counter()
        self._next_number = 1

    def select(
        self,
        service: str | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        faulted: bool | None = None,
        conditional: bool | None = None,
    ) -> list[RequestRecord]:
        """The records that match everything given; `path` is a regular expression searched for in the path."""
        pattern = re.compile(path) if path else None
        return [
            record
            for record in self._records
            if (service is None or record.service == service)
            and (method is None or record.method == method.upper())
            and (pattern is None or pattern.search(record.path))
            and (status is None or record.status == status)
            and (faulted is None or record.is_faulted == faulted)
            and (conditional is None or record.is_conditional == conditional)
        ]

    def counts(self, records: list[RequestRecord] | None = None) -> dict[str, dict[str, int]]:
        """Requests by service and status (`none` where no answer was sent), with a `total` per service."""
        table: dict[str, Counter[str]] = {}
        for record in self._records if records is None else records:
            row = table.setdefault(record.service, Counter())
            row["total"] += 1
            row["none" if record.status is None else str(record.status)] += 1
        return {service: dict(row) for service, row in sorted(table.items())}

    @property
    def max_in_flight(self) -> dict[str, int]:
        """The highest number of requests being answered at once, by service."""
        return dict(self._max_in_flight)

    def clear(self) -> None:
        """Forgets what was; requests in flight stay counted as in flight, but are no longer listed."""
        self._records.clear()
        self._max_in_flight = Counter(self._in_flight)

    def middleware(self, service: str) -> Middleware:
        """Must be the outermost one, so that a faulted answer is seen as the client sees it."""

        @web.middleware
        async def record_request(request: web.Request, handler: Handler) -> web.StreamResponse:
            record = self._start(service, request)
            request[RECORD] = record
            started = time.perf_counter()
            try:
                response = await handler(request)
            except web.HTTPException as error:
                record.status = error.status
                raise
            except Exception:
                record.status = 500
                raise
            else:
                if not record.was_reset:
                    record.status = response.status
                return response
            finally:
                record.seconds = time.perf_counter() - started
                self._in_flight[service] -= 1

        return record_request

    def _start(self, service: str, request: web.Request) -> RequestRecord:
        self._in_flight[service] += 1
        in_flight = self._in_flight[service]
        self._max_in_flight[service] = max(self._max_in_flight[service], in_flight)
        record = RequestRecord(
            number=self._next_number,
            service=service,
            method=request.method,
            path=request.path,
            query=request.query_string,
            started_at=self._clock(),
            in_flight_at_start=in_flight,
            is_conditional=not request.headers.keys().isdisjoint(_CONDITIONS),
        )
        self._next_number += 1
        self._records.append(record)
        return record
