"""Exceptions as the client libraries raise them, made without a server: for the tests of the tables alone.

That the libraries raise them so is shown on the wire: tests/faults, tests/activities.
"""

import json
import smtplib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import aiosmtplib
import httpx
import jinja2
import psycopg
import pydantic
import requests
import urllib3.exceptions
from github.GithubException import GithubException
from github.Requester import Requester
from jira import JIRAError
from multidict import CIMultiDict, CIMultiDictProxy
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy.exc import DBAPIError
from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.exceptions import TimeoutType
from temporalio.service import RPCError, RPCStatusCode
from yarl import URL

from devsync.domain.model import Model


def github(status: int, message: str = "", headers: Mapping[str, str] | None = None, **body: Any) -> GithubException:
    """By PyGithub's own rule, which reads the message."""
    return Requester.createException(status, dict(headers or {}), {"message": message, **body})


def response(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer.headers.update(headers or {})
    answer._content = body
    return answer


def jira(status: int | None, words: str = "", headers: Mapping[str, str] | None = None) -> JIRAError:
    if status is None:
        return JIRAError("no answer")
    body = json.dumps({"errorMessages": [words] if words else []}).encode()
    return JIRAError("failed", status_code=status, response=response(status, headers, body))


def slack(code: str, status: int = 200, headers: Mapping[str, str] | None = None, **body: Any) -> SlackApiError:
    data: Any = {"ok": False, "error": code, **body} if code else "<html>"
    answer = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers=dict(headers or {}),
        status_code=status,
    )  # fmt: skip
    return SlackApiError("refused", answer)  # type: ignore[no-untyped-call]


def requests_status(status: int) -> requests.HTTPError:
    return requests.HTTPError("failed", response=response(status))


def requests_connection(below: Exception) -> requests.ConnectionError:
    return requests.exceptions.ConnectionError(below)


def new_connection(below: BaseException) -> urllib3.exceptions.NewConnectionError:
    pool = urllib3.HTTPConnectionPool("localhost")
    error = urllib3.exceptions.NewConnectionError(pool, "failed")  # type: ignore[arg-type]
    error.__cause__ = below
    return error


def httpx_status(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://localhost")
    return httpx.HTTPStatusError("failed", request=request, response=httpx.Response(status, request=request))


def httpx_connect(below: BaseException) -> httpx.ConnectError:
    error = httpx.ConnectError("failed")
    error.__cause__ = below
    return error


def _information() -> aiohttp.RequestInfo:
    return aiohttp.RequestInfo(URL("http://localhost"), "GET", CIMultiDictProxy(CIMultiDict()), URL("http://localhost"))


def aiohttp_status(status: int) -> aiohttp.ClientResponseError:
    return aiohttp.ClientResponseError(_information(), (), status=status)


def aiohttp_content_type() -> aiohttp.ContentTypeError:
    return aiohttp.ContentTypeError(_information(), (), status=200)


def aiohttp_connect(below: OSError) -> aiohttp.ClientConnectorError:
    key: Any = type("Key", (), {"host": "localhost", "port": 1, "ssl": True})()
    kind = aiohttp.ClientConnectorDNSError if isinstance(below, socket.gaierror) else aiohttp.ClientConnectorError
    error = kind(key, below)
    error.__cause__ = below
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(1, "certificate verify failed")


def recipients(*refused: tuple[int, bytes]) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({f"{number}@acme.dev": reply for number, reply in enumerate(refused)})


def all_recipients(*refused: tuple[int, str]) -> aiosmtplib.SMTPRecipientsRefused:
    return aiosmtplib.SMTPRecipientsRefused(
        [aiosmtplib.SMTPRecipientRefused(*reply, f"{number}@acme.dev") for number, reply in enumerate(refused)]
    )


def postgres(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)("the server's words")


def sqlalchemy(cause: psycopg.Error) -> DBAPIError:
    """By SQLAlchemy's own rule: its class follows from the driver's."""
    error = DBAPIError.instance("SELECT 'a-value'", {"v": "a-value"}, cause, psycopg.Error)
    assert isinstance(error, DBAPIError)
    return error


def temporal(kind: TimeoutType) -> TemporalTimeoutError:
    return TemporalTimeoutError("timed out", type=kind, last_heartbeat_details=[])


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("the server's words", status, b"")


def template(text: str) -> jinja2.TemplateError:
    """What this template raises when it is read and rendered."""
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"edition.md.j2": text}), undefined=jinja2.StrictUndefined, autoescape=True
    )
    try:
        environment.get_template("edition.md.j2").render()
    except jinja2.TemplateError as error:
        return error
    raise AssertionError("the template is right")


def foreign_data() -> pydantic.ValidationError:
    class Week(Model):
        start: int

    try:
        Week.model_validate({"start": "a-value"})
    except pydantic.ValidationError as error:
        return error
    raise AssertionError("the data are right")


def system(number: int, path: str | None = None) -> OSError:
    return OSError(number, "the system's words", path) if path else OSError(number, "the system's words")
