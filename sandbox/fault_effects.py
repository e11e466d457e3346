"""Carries out what the fault book decides: the middleware that stands before every stand-in."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox import fault_answers, graphql_faults
from sandbox.faults import Fault, FaultBook, FaultKind
from sandbox.request_log import RECORD
from sandbox.service import Clock

_DRIP_PIECES = 20


def fault_middleware(
    service: str, book: FaultBook, clock: Clock, close_port: Callable[[str, float], None], *, wording: str
) -> Middleware:
    """Stands inside the request log, whose record it marks, and outside the service's own middleware.

    `wording` names whose words errors are told in (`fault_answers`): a service's, or those of one kind of it.
    """

    @web.middleware
    async def apply_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        page_size = await graphql_faults.page_size(request) if book.asks_for_page_size else 0
        words = await _words(request) if book.asks_for_words else ""
        verdict = book.judge(service, request.method, request.path, page_size, words)
        if verdict.kinds:
            request[RECORD].faults = verdict.kinds
        if verdict.delay_seconds:
            await asyncio.sleep(verdict.delay_seconds)
        fault = verdict.fault
        if fault is None:
            return await handler(request)
        if fault.kind is FaultKind.RESET:
            return reset_connection(request)
        if fault.kind is FaultKind.REFUSED:
            response = reset_connection(request)
            close_port(service, fault.seconds)
            return response
        if answer := _answer_without_handler(wording, request, fault, clock):
            return answer
        return await _answer_after_handler(fault, request, await handler(request))

    return apply_faults


async def _words(request: web.Request) -> str:
    """What it asks for beside its path. aiohttp keeps the body for the handler."""
    return f"{unquote_plus(request.query_string)}\n{(await request.read()).decode(errors='replace')}"


def reset_connection(request: web.Request) -> web.Response:
    """Ends the connection with a TCP reset. The returned response is for aiohttp only: nobody receives it."""
    request[RECORD].was_reset = True
    if request.transport is not None:
        abort_with_reset(request.transport)
    return web.Response(status=500)


def abort_with_reset(transport: asyncio.BaseTransport) -> None:
    """Closes with a RST: lingering for zero seconds makes the kernel drop what is unsent and reset the peer."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def _answer_without_handler(wording: str, request: web.Request, fault: Fault, clock: Clock) -> web.Response | None:
    is_graphql = wording == "github" and request.path == graphql_faults.PATH
    if is_graphql and (answer := fault_answers.graphql_answer(fault, clock())):
        return answer
    answers: dict[FaultKind, Callable[[], web.Response]] = {
        FaultKind.STATUS: lambda: fault_answers.error_answer(wording, fault.status),
        FaultKind.HTML: lambda: fault_answers.html_answer(fault.status),
        FaultKind.MALFORMED: fault_answers.malformed_answer,
        FaultKind.EMPTY: fault_answers.empty_answer,
        FaultKind.RATE_LIMIT: lambda: fault_answers.rate_limit_answer(wording, fault, clock()),
        FaultKind.SECONDARY_LIMIT: lambda: fault_answers.secondary_limit_answer(fault, clock()),
    }
    make_answer = answers.get(fault.kind)
    return make_answer() if make_answer else None


async def _answer_after_handler(fault: Fault, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    if fault.kind is FaultKind.COMMITTED_TIMEOUT:
        await asyncio.sleep(fault.seconds)
        return answer
    if not isinstance(answer, web.Response):
        return answer
    body = bytes(answer.body) if isinstance(answer.body, bytes | bytearray) else b""
    if fault.kind is FaultKind.CUT_JSON:
        answer.body = body[: len(body) // 2]
        return answer
    if fault.kind in (FaultKind.PARTIAL, FaultKind.NULLS, FaultKind.REPEATED_CURSOR):
        if body:
            answer.body = orjson.dumps(await _bent(fault, request, orjson.loads(body)))
        return answer
    stream = web.StreamResponse(status=answer.status, headers=answer.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    if fault.kind is FaultKind.TRUNCATED:
        await stream.write(body[: len(body) // 2])
        if request.transport is not None:
            # An orderly end (FIN) after half the promised bytes; a reset would be the other fault.
            request.transport.close()
        return stream
    for start in range(0, len(body), step := max(1, len(body) // _DRIP_PIECES)):
        await stream.write(body[start : start + step])
        await asyncio.sleep(fault.seconds / _DRIP_PIECES)
    return stream


async def _bent(fault: Fault, request: web.Request, answer: Any) -> Any:
    if fault.kind is FaultKind.PARTIAL:
        return graphql_faults.partial(answer, fault.field)
    if fault.kind is FaultKind.NULLS:
        return graphql_faults.with_nulls(answer, fault.field)
    return await graphql_faults.with_repeated_cursor(request, answer, fault.field)
