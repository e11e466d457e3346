"""What our own clients raise when an answer is not what was asked for, and what a refusal of credentials means."""

from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import MALFORMED, Verdict


class MalformedAnswer(Exception):
    """A service answered with success and without what was asked for: an empty, cut or foreign body."""

    def __init__(self, service: str, operation: str, what: str) -> None:
        super().__init__(f"{service} answered {operation} with {what}")
        self.service = service


class CredentialsRefused(Exception):
    """A service did not know us, whatever status it answered with. `how` is what it did: "refused the login"."""

    def __init__(self, service: str, how: str) -> None:
        super().__init__(f"{service} {how}")


_CURES = {
    "github": "check GITHUB_TOKEN or the GitHub App (`python starter.py doctor` tells what they may do)",
    "jira": "check JIRA_EMAIL and JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center);"
    " `python starter.py doctor` tells what they may do",
    "slack": "check SLACK_BOT_TOKEN (`python starter.py doctor` tells what it may do)",
    "calendar": "copy its address anew into calendar.ics of the team's file",
    "git_mirror": "mirrors are read without a password: let it be read so, or name an address that begins with"
    " ssh://git@ and give the worker a key",
    "email": "check the user and the password in SMTP_URL",
}

WRONG_CREDENTIALS = Verdict(
    category=ErrorCategory.AUTHENTICATION,
    says="{what}: {cure}",
    code="credentials",
    severity=ErrorSeverity.HIGH,
)


def wrong_credentials(what: str, service: str, *, code: str = "") -> Failure:
    """The failure behind `what` ("github answered 401"), with the cure for the service."""
    return WRONG_CREDENTIALS.failure(service, what=what, cure=_CURES.get(service, "check the credentials"), code=code)


def credentials_refused(error: CredentialsRefused, service: str, _now: datetime) -> Failure:
    return wrong_credentials(str(error), service)


def malformed(error: BaseException, service: str, _now: datetime) -> Failure:
    """An answer that is not what was asked for, in our client's words where it noticed."""
    failure = MALFORMED.failure(service)
    return failure.model_copy(update={"message": str(error)}) if isinstance(error, MalformedAnswer) else failure
