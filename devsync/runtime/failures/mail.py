"""Mail servers' failures: by reply code (RFC 5321, 4.2) and enhanced status code (RFC 3463), which opens the text."""

import re
import smtplib
from collections.abc import Container
from datetime import datetime
from typing import TYPE_CHECKING, Final

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.answers import wrong_credentials
from devsync.runtime.failures.verdict import Verdict

if TYPE_CHECKING:
    import aiosmtplib

_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")

_CREDENTIALS = Verdict(category=ErrorCategory.AUTHENTICATION, says="", severity=ErrorSeverity.HIGH)

_LATER = Verdict(
    category=ErrorCategory.DISTRIBUTION, says="{service}: the server takes this mail later ({code})", is_retryable=True
)
_ILL = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="{service}: the server has a problem of its own ({code})",
    is_retryable=True,
    counts_for_breaker=True,
)
_POLICY: Final = Verdict(
    category=ErrorCategory.RATE_LIMITING,
    says="{service}: the server makes us wait ({code})",
    severity=ErrorSeverity.LOW,
    is_retryable=True,
    is_expected=True,
)
"""4.7.x: greylisting, and senders' limits."""

FOREIGN = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="{service}: the server answers in a way that SMTP does not know",
    code="malformed",
    is_retryable=True,
    counts_for_breaker=True,
    may_have_taken_effect=True,
)

# The first row that holds the code decides.
BY_CODE: tuple[tuple[Container[int], Verdict], ...] = (
    ({530, 534, 535, 538}, _CREDENTIALS),
    ({450}, _LATER),
    (range(400, 500), _ILL),
    (
        {552, 554},
        Verdict(category=ErrorCategory.DISTRIBUTION, says="{service}: the server refuses this mail ({code})"),
    ),
    (
        range(500, 600),
        Verdict(
            category=ErrorCategory.DISTRIBUTION,
            says="{service}: the server refuses the sender or the recipients ({code}): correct the team file",
        ),
    ),
    (range(-1, 1000), FOREIGN),
)

LACKS = Verdict(
    category=ErrorCategory.CONFIGURATION,
    says="{service}: the server does not offer what SMTP_URL asks for: encryption, a login or an address in UTF-8",
    code="not_supported",
    severity=ErrorSeverity.HIGH,
)


def reply(error: smtplib.SMTPResponseException, service: str, _now: datetime) -> Failure:
    """A reply to the connection, HELO, login, sender or text."""
    return _by_code(int(error.smtp_code), error.smtp_error, service)


def recipients(error: smtplib.SMTPRecipientsRefused, service: str, _now: datetime) -> Failure:
    """All recipients were refused: tried again where one of them was refused for the moment only.

    Their addresses stay out of the message.
    """
    code, text = min(error.recipients.values(), key=lambda refused: refused[0])
    return _by_code(int(code), text, service)


def answered(error: "aiosmtplib.SMTPResponseException", service: str, _now: datetime) -> Failure:
    """Likewise, in the words of aiosmtplib: to the connection, HELO, login, sender, one recipient or text."""
    return _by_code(error.code, error.message, service)


def all_refused(error: "aiosmtplib.SMTPRecipientsRefused", service: str, _now: datetime) -> Failure:
    """As `recipients`."""
    least = min(error.recipients, key=lambda refused: refused.code)
    return _by_code(least.code, least.message, service)


def _by_code(code: int, text: bytes | str, service: str) -> Failure:
    found = _ENHANCED.match(text if isinstance(text, bytes) else text.encode())
    enhanced = found[1].decode() if found else ""
    if enhanced.startswith("4.7.") and code != 454:  # 454 4.7.0: the login itself could not be checked
        return _POLICY.failure(service, code=enhanced)
    verdict = next(verdict for codes, verdict in BY_CODE if code in codes)
    if verdict is _CREDENTIALS:
        return wrong_credentials(f"{service}: the server answered {code}", service, code=str(code))
    return verdict.failure(service, code=enhanced or str(code))
