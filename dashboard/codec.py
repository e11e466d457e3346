"""Opens sealed payloads for Temporal's Web UI and its CLI: their "remote codec" protocol.

`POST {"payloads": […]}` in protobuf's JSON form, with the namespace in `X-Namespace`; the answer has the same form. The
Web UI asks from the reader's browser, so it is their session here that decides (the codec's rules in access.py), and
the browser lets no other site read the answer (`CodecOrigin`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.status import HTTP_400_BAD_REQUEST
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.api.common.v1 import Payload, Payloads

from dashboard.access import codec_decode, codec_encode, origin_of
from dashboard.site import CurrentSite, Site
from devsync.runtime.payload_codec import KeyMissing, SealedPayloads

PATH: Final = "/codec"
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a request. The server's own limit for an answer of its API is 4 MB, which base64 makes a third longer."""

Translate = Callable[[SealedPayloads, Sequence[Payload]], Awaitable[Iterable[Payload]]]

router = APIRouter()


@router.post(f"{PATH}/decode", max_body_size=MOST_BYTES)
@codec_decode
async def decode(request: Request, site: CurrentSite) -> Response:
    return await _translated(request, site, _opened)


@router.post(f"{PATH}/encode", max_body_size=MOST_BYTES)
@codec_encode
async def encode(request: Request, site: CurrentSite) -> Response:
    """For what is typed into the Web UI: signals, updates, inputs."""
    return await _translated(request, site, SealedPayloads.encode)


async def _translated(request: Request, site: Site, translate: Translate) -> Response:
    namespace = request.headers.get("x-namespace", "")
    if namespace != site.namespace:
        raise HTTPException(HTTP_400_BAD_REQUEST, f"X-Namespace is {namespace!r}; this opens {site.namespace!r} alone")
    try:
        payloads = Parse(await request.body(), Payloads()).payloads
    except (ParseError, UnicodeDecodeError) as error:
        raise HTTPException(HTTP_400_BAD_REQUEST, "the body is no list of payloads in JSON") from error
    answer = Payloads(payloads=payloads if site.codec is None else await translate(site.codec, payloads))
    return Response(MessageToJson(answer, indent=None), media_type="application/json")


async def _opened(codec: SealedPayloads, payloads: Sequence[Payload]) -> list[Payload]:
    """What a key is missing for stays sealed, and hides nothing beside it."""
    return [await _one_opened(codec, payload) for payload in payloads]


async def _one_opened(codec: SealedPayloads, payload: Payload) -> Payload:
    try:
        (opened,) = await codec.decode([payload])
    except KeyMissing:
        return payload
    return opened


class CodecOrigin:
    """Lets pages of the Web UI, and of no other site, read what the codec answers: with cookies, and errors too."""

    def __init__(self, app: ASGIApp, *, web_ui: str) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=[origin_of(web_ui)] if web_ui else [],
            allow_credentials=True,
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type", "x-namespace"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_codec = scope["type"] == "http" and scope["path"].startswith(f"{PATH}/")
        await (self._open if is_codec else self._app)(scope, receive, send)
