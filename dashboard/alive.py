"""What a container's health check asks: whether this process answers. Of the servers behind it the pages tell."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from dashboard.access import public

PATH: Final = "/alive"

router = APIRouter()


@router.get(PATH)
@public
async def alive() -> Response:
    return PlainTextResponse("yes\n")
