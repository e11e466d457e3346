"""From an exception to a `Failure`: by type, status, headers and API code, never by words. The one table.

Each library's own codes are tables, too, in `runtime/failures/`; `docs/reference/errors.md` shows all of them.
"""

import json
import smtplib
import socket
import ssl
from datetime import datetime
from typing import TYPE_CHECKING

import pydantic
from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.service import RPCError

from devsync.domain.breaker.refusals import CallRefused
from devsync.domain.changelog.window import ImpossibleWeek
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity, Failure, assessed
from devsync.domain.exceptions import ChangelogError
from devsync.domain.redaction import bounded, redacted
from devsync.runtime.failures import (
    answers,
    breaker,
    database,
    graphql,
    http,
    machine,
    mail,
    mirror,
    outgoing,
    slack,
    temporal,
    webhook,
)
from devsync.runtime.failures.answers import CredentialsRefused, MalformedAnswer
from devsync.runtime.failures.foreign import Foreign, Kinds, is_one_of
from devsync.runtime.failures.graphql import GraphQLRefused
from devsync.runtime.failures.mirror import GitFailed, MirrorEmpty, MirrorTooLarge
from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.runtime.failures.program import own_words
from devsync.runtime.failures.verdict import (
    BAD_ADDRESS,
    MALFORMED,
    NAME_UNKNOWN,
    TIMED_OUT,
    UNREACHABLE,
    Rule,
    Verdict,
    first_line,
)
from devsync.runtime.failures.webhook import WebhookAnswered
from devsync.settings.problems import ConfigError
from devsync.storage.connection import DatabaseUnavailable, StorageError, WrongDatabaseUrl
from devsync.storage.content import ContentDamaged

if TYPE_CHECKING:
    import jinja2

__all__ = ["TABLE", "CredentialsRefused", "MalformedAnswer", "assess", "classify", "first_line"]

CONFIGURATION = Verdict(
    category=ErrorCategory.CONFIGURATION, says="{words}", code="configuration", severity=ErrorSeverity.HIGH
)
TEMPLATE = Verdict(
    category=ErrorCategory.FORMATTING,
    says="{words}: correct it in the templates folder",
    code="template",
    severity=ErrorSeverity.HIGH,
)
BLOCKS = Verdict(category=ErrorCategory.FORMATTING, says="slack's library refuses the message ({words})", code="blocks")
FOREIGN_DATA = Verdict(
    category=ErrorCategory.DATA_PROCESSING,
    says="data does not have the form that this build reads ({words})",
    code="foreign_data",
    severity=ErrorSeverity.HIGH,
    is_retryable=True,
)
"""Another build wrote it: during a deploy another worker may read it."""
UNKNOWN = Verdict(
    category=ErrorCategory.SYSTEM,
    says="{service}: {type}: {words}",
    code="unknown",
    severity=ErrorSeverity.HIGH,
    is_retryable=True,
)
"""Perhaps a mistake of ours, which the next build mends while the activity is still being tried."""


def template(error: "jinja2.TemplateError", service: str, _now: datetime) -> Failure:
    import jinja2

    if isinstance(error, jinja2.TemplateSyntaxError):
        words = f"the template {error.name or error.filename}, line {error.lineno}, is wrong ({error.message})"
    elif isinstance(error, jinja2.TemplateNotFound):
        words = f"the template {error.name} is missing"
    else:
        words = f"a template is wrong ({first_line(error)})"
    return TEMPLATE.failure(service, words=words)


def foreign_data(error: pydantic.ValidationError, service: str, _now: datetime) -> Failure:
    """Which fields, and never their values."""
    fields = sorted({".".join(map(str, one["loc"])) for one in error.errors(include_url=False, include_input=False)})
    return FOREIGN_DATA.failure(service, words=f"{error.title}: {', '.join(fields[:3])}")


def whole(error: BaseException, service: str, _now: datetime) -> Failure:
    """All lines: a configuration tells every mistake."""
    return CONFIGURATION.failure(service, words=str(error))


def raised(error: ChangelogError, service: str, now: datetime) -> Failure:
    """A library's error that it was raised from, or while handling, says more than the program's word for it."""
    behind: BaseException | None = error
    seen = set[int]()
    while isinstance(behind, ChangelogError) and id(behind) not in seen:
        seen.add(id(behind))
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
    if behind is None or isinstance(behind, ChangelogError):
        return own_words(error, service)
    found = _by_type(behind, service, now)
    return own_words(error, service) if found.code == UNKNOWN.code else found


# The first row whose type matches decides: subclasses stand above their bases.
TABLE: tuple[tuple[Kinds, Verdict | Rule], ...] = (
    # What this product raises itself.
    ((ConfigError, WrongDatabaseUrl, ImpossibleWeek), whole),
    (DatabaseUnavailable, database.unavailable),
    (ContentDamaged, database.damaged),
    (StorageError, database.storage),
    (MalformedAnswer, answers.malformed),
    (CredentialsRefused, answers.credentials_refused),
    (GraphQLRefused, graphql.failure_of),
    (CallRefused, breaker.refused),
    (GitFailed, mirror.git),
    (MirrorTooLarge, mirror.TOO_LARGE),
    (MirrorEmpty, mirror.EMPTY),
    (WebhookAnswered, webhook.answered),
    (AddressForbidden, outgoing.forbidden),
    (ChangelogError, raised),
    # The client libraries, by what their answers say.
    (Foreign("github.GithubException", "GithubException"), http.github),
    (Foreign("github.GithubException", "BadAttributeException"), MALFORMED),
    (Foreign("jira.exceptions", "JIRAError"), http.jira),
    (Foreign("slack_sdk.errors", "SlackApiError"), slack.slack),
    (Foreign("slack_sdk.errors", "SlackRequestError"), CONFIGURATION),
    (Foreign("slack_sdk.errors", "SlackObjectFormationError"), BLOCKS),
    (smtplib.SMTPRecipientsRefused, mail.recipients),
    (smtplib.SMTPResponseException, mail.reply),
    (smtplib.SMTPServerDisconnected, http.connection),
    (smtplib.SMTPNotSupportedError, mail.LACKS),
    (smtplib.SMTPException, mail.FOREIGN),
    (Foreign("aiosmtplib", "SMTPRecipientsRefused"), mail.all_refused),
    (Foreign("aiosmtplib", "SMTPResponseException"), mail.answered),
    (Foreign("aiosmtplib", "SMTPConnectTimeoutError"), UNREACHABLE),
    (Foreign("aiosmtplib", "SMTPTimeoutError"), TIMED_OUT),
    (Foreign("aiosmtplib", "SMTPConnectError", "SMTPServerDisconnected"), http.connection),
    (Foreign("aiosmtplib", "SMTPNotSupported"), mail.LACKS),
    (Foreign("aiosmtplib", "SMTPException"), mail.FOREIGN),
    # Their transports, where no answer came, or none that can be read.
    (Foreign("requests.exceptions", "HTTPError"), http.requests_status),
    (Foreign("requests.exceptions", "ConnectTimeout"), UNREACHABLE),
    (Foreign("requests.exceptions", "Timeout"), TIMED_OUT),
    (Foreign("requests.exceptions", "InvalidJSONError", "ContentDecodingError"), MALFORMED),
    (
        Foreign(
            "requests.exceptions",
            "InvalidURL", "MissingSchema", "InvalidSchema", "InvalidHeader", "TooManyRedirects",
        ),
        BAD_ADDRESS,
    ),
    (Foreign("requests.exceptions", "RequestException"), http.connection),
    (Foreign("httpx", "HTTPStatusError"), http.httpx_status),
    (Foreign("httpx", "ConnectTimeout", "PoolTimeout"), UNREACHABLE),
    (Foreign("httpx", "TimeoutException"), TIMED_OUT),
    (Foreign("httpx", "DecodingError"), MALFORMED),
    (Foreign("httpx", "UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "TooManyRedirects"), BAD_ADDRESS),
    (Foreign("httpx", "RequestError"), http.connection),
    (Foreign("aiohttp", "ContentTypeError"), MALFORMED),
    (Foreign("aiohttp", "InvalidURL", "TooManyRedirects"), BAD_ADDRESS),
    (Foreign("aiohttp", "ClientResponseError"), http.aiohttp_status),
    (Foreign("aiohttp", "ConnectionTimeoutError"), UNREACHABLE),
    (Foreign("aiohttp", "ServerTimeoutError"), TIMED_OUT),
    (Foreign("aiohttp", "ClientError"), http.connection),
    # The database, Temporal, templates, data.
    (Foreign("sqlalchemy.exc", "SQLAlchemyError"), database.driver),
    (Foreign("psycopg", "Error"), database.driver),
    (TemporalTimeoutError, temporal.time_out),
    (RPCError, temporal.call),
    (Foreign("jinja2", "TemplateError"), template),
    (pydantic.ValidationError, foreign_data),
    (json.JSONDecodeError, MALFORMED),
    (UnicodeError, FOREIGN_DATA),
    # The operating system.
    (MemoryError, machine.OUT_OF_MEMORY),
    (socket.gaierror, NAME_UNKNOWN),
    (TimeoutError, TIMED_OUT),
    (ssl.SSLError, http.connection),
    (ConnectionError, http.connection),
    (OSError, machine.operating_system),
    (Exception, UNKNOWN),
)  # fmt: skip


def classify(error: BaseException, service: str, now: datetime) -> Failure:
    """What kind of failure this is. The message has no secret in it and some hundred characters at most.

    Without a context: the severity is that of its kind, and there is no fingerprint.
    """
    failure = machine.exhausted(error, service) or _by_type(error, service, now)
    return failure.model_copy(update={"message": bounded(redacted(failure.message))})


def assess(context: ErrorContext, now: datetime) -> Failure:
    """What kind of failure the context's error is, as severe as it is there, with its fingerprint."""
    return assessed(classify(context.error, context.service, now), context)


def _by_type(error: BaseException, service: str, now: datetime) -> Failure:
    found = next((answer for kinds, answer in TABLE if is_one_of(error, kinds)), UNKNOWN)
    if isinstance(found, Verdict):
        return found.failure(service, type=type(error).__name__, words=first_line(error))
    return found(error, service, now)
