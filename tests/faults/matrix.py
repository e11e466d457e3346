"""The fault matrix: what becomes of each fault at each API. `test_matrix.py` measures it, `make docs` prints it."""

from typing import NamedTuple

from devsync.domain.breaker import Outcome
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from sandbox.faults import Fault, FaultKind

GITHUB_REST, GITHUB_GRAPHQL = "github rest", "github graphql"
JIRA_CLOUD, JIRA_DATA_CENTER = "jira cloud", "jira data-center"
SLACK = "slack"
APIS = (GITHUB_REST, GITHUB_GRAPHQL, JIRA_CLOUD, JIRA_DATA_CENTER, SLACK)


class Mistake(NamedTuple):
    """Not a fault: something wrong that we ask for ourselves."""

    thing: str = ""
    """Another repository, project or channel than the one that is there."""
    block_count: int = 1
    """Slack: how many blocks the message has."""


class Expected(NamedTuple):
    """How the attempt fails, and what follows from it."""

    category: ErrorCategory
    code: str
    severity: ErrorSeverity
    is_retryable: bool
    counts_for_breaker: bool
    hint_seconds: int = 0
    """The floor of the next attempt's wait, or of the service's pause; 0: full jitter decides."""

    @property
    def pauses(self) -> bool:
        """No attempt is spent: nobody calls the service until its time has come."""
        return self.code == "service_paused"

    @property
    def outcome(self) -> Outcome:
        """What the service's gate counts the faulty call as."""
        if self.category is ErrorCategory.RATE_LIMITING:
            return Outcome.THROTTLED
        return Outcome.FAILURE if self.counts_for_breaker else Outcome.IGNORED


class Row(NamedTuple):
    api: str
    name: str
    fault: Fault | Mistake
    """A fault's service and route are those of the API."""
    expected: Expected | None
    """None: the attempt succeeds."""

    @property
    def faulty_calls(self) -> int:
        """Of one attempt that meets the fault at each of its calls: those that tell of the service."""
        return CALLS.get((self.api, self.name), 1 if self.expected else 0)

    @property
    def excused_calls(self) -> int:
        """Those beside that tell of our own request only."""
        return LARGER_PAGES if self.api == GITHUB_GRAPHQL and self.name in SMALLER_PAGES else 0

    def opens_after(self, threshold: int) -> int:
        """This many such attempts open a breaker; 0: no number of them."""
        counts = self.expected is not None and self.expected.outcome is Outcome.FAILURE
        return -(-threshold // self.faulty_calls) if counts else 0


LOW, MEDIUM, HIGH, CRITICAL = ErrorSeverity

UNREACHABLE = Expected(ErrorCategory.NETWORK, "unreachable", MEDIUM, True, True)
BROKEN = Expected(ErrorCategory.NETWORK, "network", MEDIUM, True, True)
TIMED_OUT = Expected(ErrorCategory.NETWORK, "timeout", MEDIUM, True, True)
TOO_SLOW = Expected(ErrorCategory.NETWORK, "408", MEDIUM, True, True)
MALFORMED = Expected(ErrorCategory.EXTERNAL_SERVICE, "malformed", MEDIUM, True, True)


def ill(code: str) -> Expected:
    return Expected(ErrorCategory.EXTERNAL_SERVICE, code, MEDIUM, True, True)


def ours(code: str) -> Expected:
    return Expected(ErrorCategory.DATA_COLLECTION, code, MEDIUM, False, False)


def login(code: str) -> Expected:
    return Expected(ErrorCategory.AUTHENTICATION, code, HIGH, False, False)


def limited(seconds: int, code: str = "429") -> Expected:
    return Expected(ErrorCategory.RATE_LIMITING, code, LOW, True, False, seconds)


def paused(seconds: int) -> Expected:
    return Expected(ErrorCategory.RATE_LIMITING, "service_paused", LOW, False, False, seconds)


def _fault(kind: FaultKind, **values: object) -> Fault:
    return Fault.model_validate({"kind": kind, "service": "", **values})


def _status(status: int) -> Fault:
    return _fault(FaultKind.STATUS, status=status)


def _limit(seconds: int, *, as_date: bool = False) -> Fault:
    return _fault(FaultKind.RATE_LIMIT, retry_after_seconds=seconds, retry_after_as_date=as_date)


EVERYWHERE: tuple[tuple[str, Fault, Expected | None], ...] = (
    ("0.1 s late", _fault(FaultKind.LATENCY, latency_ms=100), None),
    ("later than the read time-out", _fault(FaultKind.LATENCY, latency_ms=2000), TIMED_OUT),
    ("port closed", _fault(FaultKind.REFUSED), UNREACHABLE),
    ("connection reset", _fault(FaultKind.RESET), BROKEN),
    ("done, but the answer is held back", _fault(FaultKind.COMMITTED_TIMEOUT, seconds=2), TIMED_OUT),
    ("in small pieces over 2 s", _fault(FaultKind.SLOW_DRIP, seconds=2), None),
    ("cut off half-way", _fault(FaultKind.TRUNCATED), BROKEN),
    ("half of the JSON", _fault(FaultKind.CUT_JSON), MALFORMED),
    ("no JSON", _fault(FaultKind.MALFORMED), MALFORMED),
    ("empty 200", _fault(FaultKind.EMPTY), MALFORMED),
    ("400", _status(400), ours("400")),
    ("401", _status(401), login("401")),
    ("403", _status(403), login("403")),
    ("404", _status(404), ours("404")),
    ("408", _status(408), TOO_SLOW),
    ("410", _status(410), ours("410")),
    ("422", _status(422), ours("422")),
    ("500", _status(500), ill("500")),
    ("502", _status(502), ill("502")),
    ("503", _status(503), ill("503")),
    ("504", _status(504), ill("504")),
    ("502 with a proxy's page", _fault(FaultKind.HTML, status=502), ill("502")),
    ("403 with a proxy's page", _fault(FaultKind.HTML, status=403), login("403")),
    ("429, 30 s", _limit(30), limited(30)),
    ("429, a date in 30 s", _limit(30, as_date=True), limited(30)),
    ("429, at once", _limit(0), limited(0)),
    ("429, one hour", _limit(3600), paused(3600)),
)

NOT_SLACKS = {"400", "404", "408", "410", "422"}
"""Slack answers 200 to what it refuses, and its error code tells."""

INSTEAD: dict[tuple[str, str], Expected] = {
    # GitHub asks for a minute's wait where it gives no hint.
    (GITHUB_REST, "429, at once"): limited(60),
    # Data Center tells when its bucket is filled again.
    (JIRA_DATA_CENTER, "429, at once"): limited(1),
    # The primary limit of GraphQL is a 200 with `errors`.
    (GITHUB_GRAPHQL, "429, 30 s"): limited(30, "RATE_LIMITED"),
    (GITHUB_GRAPHQL, "429, a date in 30 s"): limited(30, "RATE_LIMITED"),
    (GITHUB_GRAPHQL, "429, at once"): limited(60, "RATE_LIMITED"),
    (SLACK, "401"): login("invalid_auth"),
    (SLACK, "403"): login("access_denied"),
    # Slack's client bounds the whole answer.
    (SLACK, "in small pieces over 2 s"): TIMED_OUT,
}
"""Where an API differs from the others."""

SMALLER_PAGES = {
    "later than the read time-out",
    "done, but the answer is held back",
    "502",
    "504",
    "502 with a proxy's page",
    "partial data",
}
"""By GraphQL the query may have been too large: the page is asked for again, of 50, 25, 12 and 6 entries."""

LARGER_PAGES = 4
"""This many of them were too large, for all that is known; the failure of the smallest one is GitHub's."""

CALLS: dict[tuple[str, str], int] = {
    # The entity tags, which GraphQL does not give, are asked for first.
    (GITHUB_GRAPHQL, "port closed"): 2,
    (GITHUB_GRAPHQL, "no such repository"): 2,
}
"""Where an attempt meets the fault more than once."""

_SECONDARY = _fault(FaultKind.SECONDARY_LIMIT, retry_after_seconds=30)
_PULLS = "data.repository.pullRequests"
_RELEASES = "data.repository.releases"

ALONE: tuple[Row, ...] = (
    Row(GITHUB_REST, "secondary limit, 30 s", _SECONDARY, limited(30, "403")),
    Row(GITHUB_REST, "null for an entry", _fault(FaultKind.NULLS, field="*"), MALFORMED),
    Row(GITHUB_REST, "no such repository", Mistake("acme/nowhere"), ours("404")),
    Row(GITHUB_GRAPHQL, "secondary limit, 30 s", _SECONDARY, limited(30, "403")),
    Row(GITHUB_GRAPHQL, "partial data", _fault(FaultKind.PARTIAL, field=f"{_PULLS}.nodes.*.title"), ill("")),
    Row(GITHUB_GRAPHQL, "null for a title", _fault(FaultKind.NULLS, field=f"{_PULLS}.nodes.*.title"), MALFORMED),
    Row(GITHUB_GRAPHQL, "the same cursor again", _fault(FaultKind.REPEATED_CURSOR, field=_RELEASES), MALFORMED),
    Row(GITHUB_GRAPHQL, "no such repository", Mistake("acme/nowhere"), ours("NOT_FOUND")),
    *(
        row
        for api in (JIRA_CLOUD, JIRA_DATA_CENTER)
        for row in (
            Row(api, "null for the issues", _fault(FaultKind.NULLS, field="issues"), MALFORMED),
            Row(api, "null for a date", _fault(FaultKind.NULLS, field="issues.*.fields.created"), MALFORMED),
            Row(api, "no such project", Mistake("NOPE"), ours("400")),
        )
    ),
    Row(SLACK, "null for the message's id", _fault(FaultKind.NULLS, field="ts"), MALFORMED),
    Row(
        SLACK,
        "no such channel",
        Mistake("#nowhere"),
        Expected(ErrorCategory.DISTRIBUTION, "channel_not_found", MEDIUM, False, False),
    ),
    Row(
        SLACK,
        "too many blocks",
        Mistake(block_count=51),
        Expected(ErrorCategory.FORMATTING, "invalid_blocks", MEDIUM, False, False),
    ),
)


def _rows(api: str) -> list[Row]:
    common = [
        Row(api, name, fault, INSTEAD.get((api, name), expected))
        for name, fault, expected in EVERYWHERE
        if not (api == SLACK and name in NOT_SLACKS)
    ]
    return [_seen_by_people(row) for row in (*common, *(row for row in ALONE if row.api == api))]


def _seen_by_people(row: Row) -> Row:
    """A post that fails is seen at once: one level worse, unless it only has to wait."""
    if row.api != SLACK or row.expected is None or row.expected.category is ErrorCategory.RATE_LIMITING:
        return row
    return row._replace(expected=row.expected._replace(severity=row.expected.severity.raised(1)))


ROWS: tuple[Row, ...] = tuple(row for api in APIS for row in _rows(api))


# What goes wrong on our own side: `own_faults.py` has a way to bring about each of these.

OWN: dict[str, Expected] = {
    "a team file that is no YAML": Expected(ErrorCategory.CONFIGURATION, "configuration", CRITICAL, False, False),
    "a value in services.yaml that cannot be": Expected(
        ErrorCategory.CONFIGURATION, "configuration", CRITICAL, False, False
    ),
    "a template with a slip of the pen": Expected(ErrorCategory.FORMATTING, "template", CRITICAL, False, False),
    "a template that names what is not there": Expected(ErrorCategory.FORMATTING, "template", CRITICAL, False, False),
    "a template that was deleted": Expected(ErrorCategory.FORMATTING, "template", CRITICAL, False, False),
    "a template that may not be read": Expected(ErrorCategory.SYSTEM, "permission", CRITICAL, False, False),
    "a folder that may not be written": Expected(ErrorCategory.SYSTEM, "permission", HIGH, False, False),
    "a full disk": Expected(ErrorCategory.SYSTEM, "disk_full", CRITICAL, True, False),
    "too many open files, reading the configuration": Expected(
        ErrorCategory.SYSTEM, "too_many_files", CRITICAL, True, False
    ),
    "too many open files, calling a service": Expected(ErrorCategory.SYSTEM, "too_many_files", HIGH, True, False),
    "no memory": Expected(ErrorCategory.SYSTEM, "memory", CRITICAL, True, False),
    "PostgreSQL stopped": Expected(ErrorCategory.DATABASE, "unavailable", CRITICAL, True, False),
    "PostgreSQL not migrated": Expected(ErrorCategory.DATABASE, "storage", CRITICAL, False, False),
    "PostgreSQL too slow": Expected(ErrorCategory.DATABASE, "57014", MEDIUM, True, False),
    "PostgreSQL refuses a row": Expected(ErrorCategory.DATABASE, "23505", HIGH, True, False),
    "PostgreSQL's role lacks a right": Expected(ErrorCategory.AUTHENTICATION, "42501", HIGH, True, False),
    "an artifact changed in the database": Expected(ErrorCategory.DATA_PROCESSING, "damaged", CRITICAL, False, False),
    "an artifact of another form": Expected(ErrorCategory.DATA_PROCESSING, "foreign_data", CRITICAL, True, False),
    "a host name that nobody knows": Expected(ErrorCategory.NETWORK, "dns", MEDIUM, True, True),
    "a certificate that nobody signed": Expected(ErrorCategory.NETWORK, "certificate", HIGH, True, True),
}

# Mail servers, in the words of smtplib: what they answer, and to which command.

MAIL: dict[str, Expected] = {
    "421 at the door": Expected(ErrorCategory.EXTERNAL_SERVICE, "421", MEDIUM, True, True),
    "no greeting": Expected(ErrorCategory.NETWORK, "network", MEDIUM, True, True),
    "535 to the login": Expected(ErrorCategory.AUTHENTICATION, "535", HIGH, False, False),
    "no STARTTLS": Expected(ErrorCategory.CONFIGURATION, "not_supported", HIGH, False, False),
    "550 to the sender": Expected(ErrorCategory.DISTRIBUTION, "550", MEDIUM, False, False),
    "450 4.7.1 to the recipient (greylisted)": Expected(ErrorCategory.RATE_LIMITING, "4.7.1", LOW, True, False),
    "550 5.1.1 to the recipient": Expected(ErrorCategory.DISTRIBUTION, "5.1.1", MEDIUM, False, False),
    "451 to the text": Expected(ErrorCategory.EXTERNAL_SERVICE, "451", MEDIUM, True, True),
    "552 5.3.4 to the text": Expected(ErrorCategory.DISTRIBUTION, "5.3.4", MEDIUM, False, False),
    "hangs up within the text": Expected(ErrorCategory.NETWORK, "network", MEDIUM, True, True),
    "silent after the text": Expected(ErrorCategory.NETWORK, "timeout", MEDIUM, True, True),
}
