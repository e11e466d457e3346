"""Forms: what somebody has filled in, and what they are told of it.

After a form comes a redirection to the page that shows what came of it: a page that is loaded again does nothing twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER
from temporalio.service import RPCError

from dashboard.access import CSRF_FIELD
from devsync.domain.model import Model
from devsync.runtime import refusals
from devsync.runtime.payload_codec import KeyMissing
from devsync.settings.model_errors import first_of

M = TypeVar("M", bound=Model)


class NotDone(refusals.NotDone):
    """What a form asks for cannot be done; the message says why, and what to do."""


async def filled_in(request: Request) -> dict[str, str]:
    """The fields that are not empty."""
    form = await request.form()
    return {
        name: value.strip()
        for name, value in form.items()
        if name != CSRF_FIELD and isinstance(value, str) and value.strip()
    }


def understood(kind: type[M], fields: Mapping[str, object]) -> M:
    """The message that they make. Raises NotDone."""
    try:
        return kind.model_validate(fields)
    except ValidationError as wrong:
        at, words = first_of(wrong, kind)
        raise NotDone(": ".join(filter(None, (".".join(map(str, at)), words)))) from None


async def answered(request: Request, to: str, deed: Awaitable[str]) -> Response:
    """Does it, and sends whoever pressed to the page `to`, where they read what came of it."""
    onward = RedirectResponse(to, HTTP_303_SEE_OTHER)
    told = request.app.state.site.sessions.tell
    try:
        told(await deed, onward)
    except refusals.NotDone as refused:
        told(str(refused), onward, is_problem=True)
    except KeyMissing as error:
        told(f"It was sent, and what came of it cannot be read: the answer is {error}", onward, is_problem=True)
    except RPCError as error:
        told(f"Temporal does not answer: {error.message}", onward, is_problem=True)
    return onward
