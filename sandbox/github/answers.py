"""How GitHub answers: its errors, redirects, and successes with validators for conditional requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import orjson
from aiohttp import web

_DOCUMENTATION = "https://docs.github.com/rest"
_REDIRECT_DOCUMENTATION = f"{_DOCUMENTATION}/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects"
SHA_ONLY = "application/vnd.github.sha"
_VARYING = ("Accept", "Authorization", "Cookie")


def base_url(request: web.Request) -> str:
    """The URL that the client believes the API to have: PyGithub refuses to follow any other."""
    return f"{request.scheme}://{request.host}"


def error(status: int, message: str, **more: object) -> web.Response:
    body = {"message": message, "documentation_url": _DOCUMENTATION, **more, "status": str(status)}
    return web.json_response(body, status=status)


def not_found() -> web.Response:
    return error(404, "Not Found")


def invalid(resource: str, field: str, message: str) -> web.Response:
    details = [{"resource": resource, "field": field, "code": "custom", "message": message}]
    return error(422, "Validation Failed", errors=details)


class Moved(Exception):
    """The repository was renamed: what was asked for is under its id, which no renaming changes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url

    def as_response(self) -> web.Response:
        body = {"message": "Moved Permanently", "url": self.url, "documentation_url": _REDIRECT_DOCUMENTATION}
        return web.json_response(body, status=301, headers={"Location": self.url})


def answer(
    request: web.Request,
    body: bytes,
    digests: Iterable[bytes],
    *,
    link: str = "",
    last_modified: datetime | None = None,
) -> web.Response:
    """A 200 with its validators, or the 304 that the client's own validators allow.

    The ETag changes with the body, and with the token: GitHub's support calls that intended, and it makes an
    installation's ETags worthless after an hour. It does not change with the links: a full last page keeps its ETag
    when another page comes to follow it, and the 304's own Link header is the only one to tell.
    """
    etag = _etag(request, digests)
    headers = {"ETag": etag, "Cache-Control": "private, max-age=60, s-maxage=60", "Vary": ", ".join(_VARYING)}
    if last_modified is not None:
        headers["Last-Modified"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
    if link:
        headers["Link"] = link
    if _is_known_to_client(request, etag, last_modified):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type="application/json", charset="utf-8")


def sha_answer(request: web.Request, sha: str) -> web.Response:
    """A commit as `application/vnd.github.sha`: the SHA alone, which is its own ETag (so says GitHub's description)."""
    headers = {"ETag": f'"{sha}"', "Cache-Control": "private, max-age=60, s-maxage=60", "Vary": ", ".join(_VARYING)}
    if _is_known_to_client(request, f'"{sha}"', None):
        return web.Response(status=304, headers=headers)
    return web.Response(text=sha, headers=headers, content_type=SHA_ONLY)


def json_answer(request: web.Request, value: object, *, last_modified: datetime | None = None) -> web.Response:
    """A single object that is rendered for this request."""
    body = orjson.dumps(value)
    return answer(request, body, [body], last_modified=last_modified)


def _etag(request: web.Request, digests: Iterable[bytes]) -> str:
    tag = hashlib.blake2b(digest_size=32)
    for name in _VARYING:
        tag.update(f"{request.headers.get(name, '')}:".encode())
    for digest in digests:
        tag.update(digest)
    return f'W/"{tag.hexdigest()}"'


def _is_known_to_client(request: web.Request, etag: str, last_modified: datetime | None) -> bool:
    known = request.headers.get("If-None-Match")
    if known is not None:
        # If-Modified-Since does not count beside If-None-Match (RFC 9110, 13.1.3); tags compare weakly.
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or etag.removeprefix("W/") in tags
    since = request.headers.get("If-Modified-Since")
    if since is None or last_modified is None:
        return False
    try:
        return last_modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except ValueError:
        return False
