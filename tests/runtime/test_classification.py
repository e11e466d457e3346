"""The table of classification, row by row: what each exception means."""

import errno
import json
import smtplib
import socket
from datetime import UTC, datetime
from typing import NamedTuple

import aiohttp
import aiosmtplib
import httpx
import pytest
import requests
from github.GithubException import BadAttributeException
from slack_sdk.errors import SlackObjectFormationError, SlackRequestError
from sqlalchemy.exc import ArgumentError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.exceptions import TimeoutType
from temporalio.service import RPCStatusCode

from devsync.domain.breaker.refusals import CircuitOpen, ServicePaused
from devsync.domain.changelog.window import ImpossibleWeek
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.exceptions import (
    AuthenticationError,
    DataCollectionError,
    DistributionError,
    ExternalServiceError,
    FormattingError,
    RateLimitError,
)
from devsync.runtime.classification import TABLE, CredentialsRefused, MalformedAnswer, classify
from devsync.runtime.failures.foreign import is_one_of
from devsync.runtime.failures.graphql import GraphQLRefused, Refusal
from devsync.runtime.failures.mirror import GitFailed, MirrorEmpty, MirrorTooLarge
from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.runtime.failures.webhook import WebhookAnswered
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactMissing, StoreUnavailable
from devsync.storage.connection import DatabaseUnavailable, NotMigrated, WrongDatabaseUrl
from devsync.storage.content import ContentDamaged
from tests.runtime import errors_of_libraries as made

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

DATA, DAMAGED, FORMAT = ErrorCategory.DATA_COLLECTION, ErrorCategory.DATA_PROCESSING, ErrorCategory.FORMATTING
DISTRIBUTION, CONFIGURATION = ErrorCategory.DISTRIBUTION, ErrorCategory.CONFIGURATION
LOGIN, LIMIT, NETWORK = ErrorCategory.AUTHENTICATION, ErrorCategory.RATE_LIMITING, ErrorCategory.NETWORK
DATABASE, EXTERNAL, SYSTEM = ErrorCategory.DATABASE, ErrorCategory.EXTERNAL_SERVICE, ErrorCategory.SYSTEM
LOW, MEDIUM, HIGH, CRITICAL = ErrorSeverity

AGAIN, ENOUGH = True, False
COUNTS, COUNTS_NOT = True, False


class Row(NamedTuple):
    error: BaseException
    service: str
    category: ErrorCategory
    code: str
    severity: ErrorSeverity
    is_retryable: bool
    counts: bool


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


LIMIT_PAGE = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"

ROWS = [
    # Ours.
    Row(ConfigError(["config/x.yaml:1: wrong"]), "local", CONFIGURATION, "configuration", HIGH, ENOUGH, COUNTS_NOT),
    Row(WrongDatabaseUrl("no URL"), "local", CONFIGURATION, "configuration", HIGH, ENOUGH, COUNTS_NOT),
    Row(ImpossibleWeek("no week"), "local", CONFIGURATION, "configuration", HIGH, ENOUGH, COUNTS_NOT),
    Row(DatabaseUnavailable("away"), "local", DATABASE, "unavailable", HIGH, AGAIN, COUNTS_NOT),
    Row(StoreUnavailable("away"), "github", DATABASE, "unavailable", HIGH, AGAIN, COUNTS_NOT),
    Row(caused(DatabaseUnavailable("away"), made.sqlalchemy(made.postgres("53100"))), "local", DATABASE, "53100",
        CRITICAL, AGAIN, COUNTS_NOT),
    Row(caused(DatabaseUnavailable("away"), made.postgres("XX000")), "local", DATABASE, "XX000", HIGH, AGAIN,
        COUNTS_NOT),
    Row(NotMigrated("old"), "local", DATABASE, "storage", HIGH, ENOUGH, COUNTS_NOT),
    Row(ArtifactMissing("gone"), "local", DATABASE, "storage", HIGH, ENOUGH, COUNTS_NOT),
    Row(ContentDamaged("changed"), "local", DAMAGED, "damaged", HIGH, ENOUGH, COUNTS_NOT),
    Row(MalformedAnswer("github", "GET /x", "an empty body"), "github", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(GitFailed("fetch", 128), "git_mirror", EXTERNAL, "exit_128", MEDIUM, AGAIN, COUNTS_NOT),
    Row(GitFailed("fetch", -9), "git_mirror", SYSTEM, "exit_-9", HIGH, AGAIN, COUNTS_NOT),
    Row(MirrorTooLarge(2**29), "git_mirror", DATA, "too_large", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(MirrorEmpty(), "git_mirror", DATA, "empty", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(CredentialsRefused("jira", "refused the login"), "jira", LOGIN, "credentials", HIGH, ENOUGH, COUNTS_NOT),
    Row(CircuitOpen("jira", NOW, "it is down", 5), "jira", EXTERNAL, "circuit_open", LOW, ENOUGH, COUNTS_NOT),
    Row(ServicePaused("jira", NOW, "it is busy", 5), "jira", LIMIT, "service_paused", LOW, ENOUGH, COUNTS_NOT),
    # What programs raise.
    Row(DataCollectionError("nothing came"), "github", DATA, "program", MEDIUM, AGAIN, COUNTS_NOT),
    Row(FormattingError("no such field"), "local", FORMAT, "program", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(DistributionError("not taken"), "slack", DISTRIBUTION, "program", MEDIUM, AGAIN, COUNTS_NOT),
    Row(AuthenticationError("expired"), "github", LOGIN, "program", HIGH, ENOUGH, COUNTS_NOT),
    Row(RateLimitError("too many"), "github", LIMIT, "program", LOW, AGAIN, COUNTS_NOT),
    Row(ExternalServiceError("it is down"), "github", EXTERNAL, "program", MEDIUM, AGAIN, COUNTS),
    Row(caused(DataCollectionError("nothing"), made.github(401)), "github", LOGIN, "401", HIGH, ENOUGH, COUNTS_NOT),
    Row(caused(DataCollectionError("nothing came"), KeyError("x")), "github", DATA, "program", MEDIUM, AGAIN,
        COUNTS_NOT),
    # GitHub's GraphQL.
    Row(GraphQLRefused(Refusal.RATE_LIMITED, "RATE_LIMITED", {}), "github", LIMIT, "RATE_LIMITED", LOW, AGAIN,
        COUNTS_NOT),
    Row(GraphQLRefused(Refusal.TOO_MUCH, "TIMEOUT", {}), "github", EXTERNAL, "TIMEOUT", MEDIUM, AGAIN, COUNTS_NOT),
    Row(GraphQLRefused(Refusal.FAILED, "", {}), "github", EXTERNAL, "", MEDIUM, AGAIN, COUNTS),
    Row(GraphQLRefused(Refusal.NOT_FOUND, "NOT_FOUND", {}), "github", DATA, "NOT_FOUND", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(GraphQLRefused(Refusal.FORBIDDEN, "FORBIDDEN", {}), "github", LOGIN, "FORBIDDEN", HIGH, ENOUGH, COUNTS_NOT),
    Row(GraphQLRefused(Refusal.UNKNOWN_FIELD, "undefinedField", {}), "github", CONFIGURATION, "undefinedField", HIGH,
        ENOUGH, COUNTS_NOT),
    # PyGithub, by status and header.
    Row(made.github(401, "Bad credentials"), "github", LOGIN, "401", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.github(403, "Resource not accessible"), "github", LOGIN, "403", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.github(403, "slow down", {"Retry-After": "30"}), "github", LIMIT, "403", LOW, AGAIN, COUNTS_NOT),
    Row(made.github(403, "no more", {"X-RateLimit-Remaining": "0"}), "github", LIMIT, "403", LOW, AGAIN, COUNTS_NOT),
    Row(made.github(403, "wait", documentation_url=LIMIT_PAGE), "github", LIMIT, "403", LOW, AGAIN, COUNTS_NOT),
    Row(made.github(404, "Not Found"), "github", DATA, "404", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.github(407), "github", CONFIGURATION, "407", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.github(408), "github", NETWORK, "408", MEDIUM, AGAIN, COUNTS),
    Row(made.github(410), "github", DATA, "410", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.github(422, "Validation Failed"), "github", DATA, "422", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.github(429), "github", LIMIT, "429", LOW, AGAIN, COUNTS_NOT),
    Row(made.github(451), "github", DATA, "451", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.github(500), "github", EXTERNAL, "500", MEDIUM, AGAIN, COUNTS),
    Row(made.github(502), "github", EXTERNAL, "502", MEDIUM, AGAIN, COUNTS),
    Row(made.github(302), "github", EXTERNAL, "302", MEDIUM, AGAIN, COUNTS),
    Row(BadAttributeException(1, (str, str), None), "github", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    # jira.
    Row(made.jira(400, "no such field"), "jira", DATA, "400", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.jira(401), "jira", LOGIN, "401", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.jira(403), "jira", LOGIN, "403", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.jira(404), "jira", DATA, "404", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.jira(429), "jira", LIMIT, "429", LOW, AGAIN, COUNTS_NOT),
    Row(made.jira(503), "jira", EXTERNAL, "503", MEDIUM, AGAIN, COUNTS),
    Row(made.jira(None), "jira", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    # slack-sdk, by Slack's code; by status where Slack said nothing.
    Row(made.slack("ratelimited"), "slack", LIMIT, "429", LOW, AGAIN, COUNTS_NOT),
    Row(made.slack("", 429), "slack", LIMIT, "429", LOW, AGAIN, COUNTS_NOT),
    Row(made.slack("invalid_auth"), "slack", LOGIN, "invalid_auth", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.slack("missing_scope", needed="groups:read"), "slack", LOGIN, "missing_scope", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.slack("invalid_auth", 401), "slack", LOGIN, "invalid_auth", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.slack("channel_not_found"), "slack", DISTRIBUTION, "channel_not_found", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.slack("msg_blocks_too_long"), "slack", FORMAT, "msg_blocks_too_long", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.slack("fatal_error"), "slack", EXTERNAL, "fatal_error", MEDIUM, AGAIN, COUNTS),
    Row(made.slack("service_unavailable", 503), "slack", EXTERNAL, "503", MEDIUM, AGAIN, COUNTS),
    Row(made.slack("a_code_of_tomorrow"), "slack", DISTRIBUTION, "a_code_of_tomorrow", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(made.slack("", 200), "slack", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(made.slack("", 403), "slack", LOGIN, "403", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.slack("", 502), "slack", EXTERNAL, "502", MEDIUM, AGAIN, COUNTS),
    Row(SlackRequestError("no token"), "slack", CONFIGURATION, "configuration", HIGH, ENOUGH, COUNTS_NOT),
    Row(SlackObjectFormationError("51 blocks"), "slack", FORMAT, "blocks", MEDIUM, ENOUGH, COUNTS_NOT),
    # Mail.
    Row(smtplib.SMTPAuthenticationError(535, b"5.7.8 bad"), "email", LOGIN, "535", HIGH, ENOUGH, COUNTS_NOT),
    Row(smtplib.SMTPAuthenticationError(454, b"4.7.0 later"), "email", EXTERNAL, "4.7.0", MEDIUM, AGAIN, COUNTS),
    Row(smtplib.SMTPConnectError(421, b"closing"), "email", EXTERNAL, "421", MEDIUM, AGAIN, COUNTS),
    Row(smtplib.SMTPConnectError(-1, b""), "email", EXTERNAL, "-1", MEDIUM, AGAIN, COUNTS),
    Row(smtplib.SMTPHeloError(501, b"no"), "email", DISTRIBUTION, "501", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(smtplib.SMTPSenderRefused(421, b"4.7.0 too much", "a@acme.dev"), "email", LIMIT, "4.7.0", LOW, AGAIN,
        COUNTS_NOT),
    Row(smtplib.SMTPSenderRefused(550, b"5.1.8 who", "a@acme.dev"), "email", DISTRIBUTION, "5.1.8", MEDIUM, ENOUGH,
        COUNTS_NOT),
    Row(smtplib.SMTPDataError(552, b"5.3.4 too big"), "email", DISTRIBUTION, "5.3.4", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(smtplib.SMTPDataError(451, b"local error"), "email", EXTERNAL, "451", MEDIUM, AGAIN, COUNTS),
    Row(made.recipients((550, b"unknown"), (550, b"unknown")), "email", DISTRIBUTION, "550", MEDIUM, ENOUGH,
        COUNTS_NOT),
    Row(made.recipients((550, b"unknown"), (450, b"busy")), "email", DISTRIBUTION, "450", MEDIUM, AGAIN, COUNTS_NOT),
    Row(smtplib.SMTPServerDisconnected("gone"), "email", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(smtplib.SMTPNotSupportedError("no STARTTLS"), "email", CONFIGURATION, "not_supported", HIGH, ENOUGH,
        COUNTS_NOT),
    Row(smtplib.SMTPException("what is that"), "email", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPAuthenticationError(535, "5.7.8 bad"), "email", LOGIN, "535", HIGH, ENOUGH, COUNTS_NOT),
    Row(aiosmtplib.SMTPConnectResponseError(421, "closing"), "email", EXTERNAL, "421", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPRecipientRefused(450, "4.7.1 wait", "a@acme.dev"), "email", LIMIT, "4.7.1", LOW, AGAIN,
        COUNTS_NOT),
    Row(aiosmtplib.SMTPRecipientRefused(550, "5.1.1 who", "a@acme.dev"), "email", DISTRIBUTION, "5.1.1", MEDIUM,
        ENOUGH, COUNTS_NOT),
    Row(made.all_recipients((550, "5.1.1 who"), (451, "busy")), "email", EXTERNAL, "451", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPConnectTimeoutError("late"), "email", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPReadTimeoutError("late"), "email", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPServerDisconnected("gone"), "email", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(aiosmtplib.SMTPNotSupported("no STARTTLS"), "email", CONFIGURATION, "not_supported", HIGH, ENOUGH, COUNTS_NOT),
    Row(aiosmtplib.SMTPException("what is that"), "email", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(made.untrusted(), "email", NETWORK, "certificate", HIGH, AGAIN, COUNTS),
    # Webhooks.
    Row(WebhookAnswered(307, {}), "webhook", DISTRIBUTION, "307", MEDIUM, AGAIN, COUNTS_NOT),
    Row(WebhookAnswered(404, {}), "webhook", DISTRIBUTION, "404", MEDIUM, AGAIN, COUNTS_NOT),
    Row(WebhookAnswered(410, {}), "webhook", CONFIGURATION, "410", HIGH, ENOUGH, COUNTS_NOT),
    Row(WebhookAnswered(429, {"Retry-After": "7"}), "webhook", LIMIT, "429", LOW, AGAIN, COUNTS_NOT),
    Row(WebhookAnswered(503, {}), "webhook", EXTERNAL, "503", MEDIUM, AGAIN, COUNTS),
    # Addresses of team files.
    Row(AddressForbidden("hooks.intern", "10.0.0.8"), "webhook", CONFIGURATION, "private_address", HIGH, ENOUGH,
        COUNTS_NOT),
    # requests.
    Row(made.requests_status(503), "webhook", EXTERNAL, "503", MEDIUM, AGAIN, COUNTS),
    Row(made.requests_status(410), "webhook", DISTRIBUTION, "410", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(requests.HTTPError("no answer"), "webhook", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(requests.ConnectTimeout(), "jira", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(requests.ReadTimeout(), "jira", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(requests.JSONDecodeError("no JSON", "", 0), "jira", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(requests.exceptions.ContentDecodingError(), "jira", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(requests.exceptions.MissingSchema(), "jira", CONFIGURATION, "address", HIGH, ENOUGH, COUNTS_NOT),
    Row(requests.exceptions.TooManyRedirects(), "jira", CONFIGURATION, "address", HIGH, ENOUGH, COUNTS_NOT),
    Row(requests.exceptions.ChunkedEncodingError(), "jira", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(requests.exceptions.SSLError(made.untrusted()), "jira", NETWORK, "certificate", HIGH, AGAIN, COUNTS),
    Row(made.requests_connection(made.new_connection(ConnectionRefusedError())), "jira", NETWORK, "unreachable",
        MEDIUM, AGAIN, COUNTS),
    Row(made.requests_connection(made.new_connection(socket.gaierror(-2, "unknown"))), "jira", NETWORK, "dns",
        MEDIUM, AGAIN, COUNTS),
    Row(made.requests_connection(made.new_connection(made.system(errno.EMFILE))), "jira", SYSTEM, "too_many_files",
        HIGH, AGAIN, COUNTS_NOT),
    Row(made.requests_connection(TimeoutError()), "jira", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(made.requests_connection(ConnectionResetError()), "jira", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    # httpx.
    Row(made.httpx_status(500), "status", EXTERNAL, "500", MEDIUM, AGAIN, COUNTS),
    Row(made.httpx_status(404), "status", DATA, "404", MEDIUM, ENOUGH, COUNTS_NOT),
    Row(httpx.ConnectTimeout("late"), "status", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(httpx.ReadTimeout("late"), "status", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(httpx.DecodingError("no gzip"), "status", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(httpx.UnsupportedProtocol("ftp"), "status", CONFIGURATION, "address", HIGH, ENOUGH, COUNTS_NOT),
    Row(httpx.InvalidURL("no URL"), "status", CONFIGURATION, "address", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.httpx_connect(ConnectionRefusedError()), "status", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(made.httpx_connect(made.untrusted()), "status", NETWORK, "certificate", HIGH, AGAIN, COUNTS),
    Row(httpx.RemoteProtocolError("cut off"), "status", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    # aiohttp.
    Row(made.aiohttp_content_type(), "slack", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(made.aiohttp_status(503), "slack", EXTERNAL, "503", MEDIUM, AGAIN, COUNTS),
    Row(made.aiohttp_status(0), "slack", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(aiohttp.InvalidURL("no URL"), "slack", CONFIGURATION, "address", HIGH, ENOUGH, COUNTS_NOT),
    Row(aiohttp.ConnectionTimeoutError(), "slack", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(aiohttp.SocketTimeoutError(), "slack", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(made.aiohttp_connect(ConnectionRefusedError()), "slack", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(made.aiohttp_connect(socket.gaierror(-2, "?")), "slack", NETWORK, "dns", MEDIUM, AGAIN, COUNTS),
    Row(made.aiohttp_connect(made.system(errno.EMFILE)), "slack", SYSTEM, "too_many_files", HIGH, AGAIN, COUNTS_NOT),
    Row(aiohttp.ServerDisconnectedError(), "slack", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    # SQLAlchemy and psycopg, where the storage let them pass.
    Row(made.sqlalchemy(made.postgres("57014")), "local", DATABASE, "57014", MEDIUM, AGAIN, COUNTS_NOT),
    Row(made.sqlalchemy(made.postgres("23505")), "local", DATABASE, "23505", HIGH, AGAIN, COUNTS_NOT),
    Row(made.postgres("40P01"), "local", DATABASE, "40P01", MEDIUM, AGAIN, COUNTS_NOT),
    Row(PoolTimeout("busy"), "local", DATABASE, "unavailable", HIGH, AGAIN, COUNTS_NOT),
    Row(ArgumentError("wrong"), "local", DATABASE, "sql", HIGH, AGAIN, COUNTS_NOT),
    # Temporal.
    Row(made.temporal(TimeoutType.START_TO_CLOSE), "local", SYSTEM, "timeout", MEDIUM, AGAIN, COUNTS_NOT),
    Row(made.temporal(TimeoutType.SCHEDULE_TO_START), "local", SYSTEM, "no_worker", MEDIUM, AGAIN, COUNTS_NOT),
    Row(made.rpc(RPCStatusCode.UNAVAILABLE), "local", SYSTEM, "unavailable", HIGH, AGAIN, COUNTS_NOT),
    Row(made.rpc(RPCStatusCode.PERMISSION_DENIED), "local", LOGIN, "permission_denied", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.rpc(RPCStatusCode.RESOURCE_EXHAUSTED), "local", LIMIT, "resource_exhausted", LOW, AGAIN, COUNTS_NOT),
    Row(made.rpc(RPCStatusCode.NOT_FOUND), "local", SYSTEM, "not_found", HIGH, ENOUGH, COUNTS_NOT),
    # Templates and data.
    Row(made.template("{% if %}"), "local", FORMAT, "template", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.template("{{ missing }}"), "local", FORMAT, "template", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.template("{% include 'other' %}"), "local", FORMAT, "template", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.foreign_data(), "local", DAMAGED, "foreign_data", HIGH, AGAIN, COUNTS_NOT),
    Row(json.JSONDecodeError("no JSON", "", 0), "github", EXTERNAL, "malformed", MEDIUM, AGAIN, COUNTS),
    Row(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "local", DAMAGED, "foreign_data", HIGH, AGAIN, COUNTS_NOT),
    # The operating system.
    Row(MemoryError(), "local", SYSTEM, "memory", CRITICAL, AGAIN, COUNTS_NOT),
    Row(socket.gaierror(-3, "try again"), "email", NETWORK, "dns", MEDIUM, AGAIN, COUNTS),
    Row(TimeoutError(), "slack", NETWORK, "timeout", MEDIUM, AGAIN, COUNTS),
    Row(ConnectionRefusedError(), "email", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(BrokenPipeError(), "email", NETWORK, "network", MEDIUM, AGAIN, COUNTS),
    Row(made.system(errno.EHOSTUNREACH), "email", NETWORK, "unreachable", MEDIUM, AGAIN, COUNTS),
    Row(made.system(errno.ENOSPC), "local", SYSTEM, "disk_full", CRITICAL, AGAIN, COUNTS_NOT),
    Row(made.system(errno.EACCES, "/etc/x"), "local", SYSTEM, "permission", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.system(errno.EROFS, "/etc/x"), "local", SYSTEM, "permission", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.system(errno.EMFILE), "local", SYSTEM, "too_many_files", HIGH, AGAIN, COUNTS_NOT),
    Row(made.system(errno.EIO), "local", SYSTEM, "device", CRITICAL, AGAIN, COUNTS_NOT),
    Row(made.system(errno.ENOENT, "/x"), "local", SYSTEM, "no_file", HIGH, ENOUGH, COUNTS_NOT),
    Row(made.system(errno.EBUSY), "local", SYSTEM, "os", HIGH, AGAIN, COUNTS_NOT),
    Row(KeyError("x"), "local", SYSTEM, "unknown", HIGH, AGAIN, COUNTS_NOT),
]  # fmt: skip


def told(row: Row) -> str:
    return f"{type(row.error).__name__}-{row.code or 'no-code'}"


@pytest.mark.parametrize("row", ROWS, ids=told)
def test_a_row_of_the_table(row: Row) -> None:
    failure = classify(row.error, row.service, NOW)
    found = (failure.category, failure.code, failure.severity, failure.is_retryable, failure.counts_for_breaker)
    assert found == row[2:], failure
    assert failure.is_expected is (failure.severity is LOW), "what only has to wait"
    assert "a-value" not in failure.message
    assert "{" not in failure.message


def test_no_row_of_the_table_is_untested() -> None:
    met = {next(number for number, (kinds, _) in enumerate(TABLE) if is_one_of(row.error, kinds)) for row in ROWS}
    assert [TABLE[number][0] for number in range(len(TABLE)) if number not in met] == []


def test_all_categories_occur() -> None:
    assert {row.category for row in ROWS} == set(ErrorCategory)


def test_programs_errors_that_were_raised_from_each_other_are_seen_through() -> None:
    inner = caused(DataCollectionError("nothing came"), made.github(401))
    assert classify(caused(ExternalServiceError("it is down"), inner), "github", NOW).code == "401"


def test_errors_that_are_their_own_causes_end_somewhere() -> None:
    first, second = DataCollectionError("first"), DataCollectionError("second")
    caused(first, caused(second, first))
    assert classify(first, "github", NOW).category is DATA


def test_what_a_program_has_hidden_with_from_none_stays_hidden() -> None:
    def fails() -> None:
        try:
            raise made.github(401)
        except Exception:
            raise DataCollectionError("nothing came") from None

    with pytest.raises(DataCollectionError) as hidden:
        fails()
    assert classify(hidden.value, "github", NOW).category is DATA
