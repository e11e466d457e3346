"""docs/reference/errors.md: how errors are classified, from the tables, and the fault matrix, from its test."""

import errno
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from devsync.domain.breaker import BreakerConfig
from devsync.domain.errors import ErrorCategory
from devsync.runtime import classification
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
from devsync.runtime.failures.foreign import Foreign, Kinds
from devsync.runtime.failures.verdict import MALFORMED, Verdict
from docs.generate import docstrings
from docs.generate.markdown import code, table
from tests.faults.endings import ATTEMPTS, Ending, passing, staying
from tests.faults.matrix import APIS, MAIL, OWN, ROWS, SLACK, Expected, Row

THRESHOLD = BreakerConfig().failure_threshold

INTRODUCTION = """\
# Errors

How a failure is understood, and what follows. It is decided by the type of the exception, the status, headers and the
API's own error code; never by a word in a message. Why so: [errors and retries](../explanation/errors-and-retries.md).

- **tried again**: Temporal repeats the activity, within the declared budget.
- **counted**: the failure counts against the service's circuit breaker.
- **severity**: of the failure alone. It is one level worse where people see it at once (a post to a channel) or nothing
  goes on without it (planning, composing, rendering); what only has to wait is never made worse.
"""

MATRIX = f"""\
## The fault matrix

What becomes of each fault at each API, measured by `tests/faults`: a real activity with its real client and gate meets
it in the sandbox, in a file, in a database or at a mail server; then editions of a real worker do.

- **next attempt**: the wait before the second one, under the shipped policy. A range is the server's hint and up to
  half as much again, 15 s at most; without a hint it is full jitter. *by schedule*: a channel's, in `delivery.yaml`.
  *none*: it is not tried again.
- **breaker**: so many such attempts open the service's breaker, by default; an attempt that meets the fault at several
  calls counts for each. *never*: nothing is counted. *paused*: nobody calls the service until its time has come.
- **if it passes**, **if it stays**: what the edition makes of it where the fault strikes once, or each time. In
  brackets the attempts made, of {ATTEMPTS} allowed for this measurement (shipped: for an hour). —: not measured.
    - *complete*, *delivered*: nothing is missing. A post whose answer was lost is *delivered (1)*: it was found in
    the channel by its key, and not sent again.
    - *gap*: the edition goes out partial and names the source.
    - *queued*: the channel did not have the edition at its deadline; the delivery goes on.
    - *failed*: the channel refused for good, and somebody must look.
"""

_RULES: Mapping[Any, Verdict | str] = {
    classification.whole: classification.CONFIGURATION,
    classification.template: classification.TEMPLATE,
    classification.foreign_data: classification.FOREIGN_DATA,
    classification.raised: "by the library's error that it was raised from; without one, what it is named for",
    answers.malformed: MALFORMED,
    answers.credentials_refused: answers.WRONG_CREDENTIALS,
    database.unavailable: "`database`, by SQLSTATE where there is one",
    database.damaged: database.DAMAGED,
    database.storage: database.NOT_THERE,
    database.driver: "by SQLSTATE",
    breaker.refused: "no call was made: `external_service` (`circuit_open`) while the breaker is open,"
    " `rate_limiting` (`service_paused`) while the service is paused; low, not counted, the workflow waits",
    graphql.failure_of: "by the type of the error",
    http.github: "by status and header",
    http.jira: "by status and header",
    http.requests_status: "by status",
    http.httpx_status: "by status",
    http.aiohttp_status: "by status",
    http.connection: "`network`, by what lies below: name unknown, certificate, nobody listens, broken, too late",
    slack.slack: "by error code; by status where a proxy answered",
    mail.reply: "by reply code",
    mail.recipients: "by reply code",
    webhook.answered: "by status",
    outgoing.forbidden: outgoing.FORBIDDEN,
    mail.answered: "by reply code",
    mail.all_refused: "by reply code",
    machine.operating_system: "by errno",
    mirror.git: "by exit code: `external_service`; `system` where a signal ended git",
    temporal.time_out: "by the kind of time-out",
    temporal.call: "by gRPC status",
}
"""What the rules of the table do, where the table itself has no verdict."""


def page() -> str:
    meanings = docstrings.of_fields(ErrorCategory)
    categories = [(code(one.value), docstrings.needed(meanings, one.name, "ErrorCategory")) for one in ErrorCategory]
    return "\n".join(
        [
            INTRODUCTION,
            table(("category", "means"), categories),
            "## By type\n",
            "The first row that fits decides.\n",
            table(("raised", "becomes"), _types()),
            "## HTTP: by status\n",
            "GitHub's 403 is a limit where it has a hint or names the page on limits.\n",
            _verdicts(_by_number(http.BY_STATUS[:-1])),
            "## GitHub's GraphQL: by the type of the error\n",
            _verdicts((one.value, verdict) for one, verdict in graphql.BY_REFUSAL.items()),
            "## Slack: by error code\n",
            "Any other code: Slack refuses what we asked for.\n",
            _verdicts(_grouped(slack.BY_CODE, code)),
            "## Mail: by reply code\n",
            "An enhanced code of 4.7.x is a limit: greylisting, or too many mails.\n",
            _verdicts(_by_number(mail.BY_CODE[:-1])),
            "## Webhooks: by status\n",
            "2xx alone is success; a Retry-After is honoured.\n",
            _verdicts(_by_number(webhook.BY_STATUS[:-1])),
            "## PostgreSQL: by SQLSTATE\n",
            _verdicts((f"{code(state)}: {_said(verdict)}", verdict) for state, verdict in database.BY_STATE.items()),
            "## This machine: by errno\n",
            _verdicts(_grouped(machine.BY_ERRNO, lambda number: code(errno.errorcode[number]))),
            "## Temporal\n",
            _verdicts(
                [
                    *_grouped(temporal.BY_TIMEOUT, lambda kind: code(kind.name.lower())),
                    *_grouped(temporal.BY_STATUS, lambda status: code(status.name)),
                ]
            ),
            MATRIX,
            *(f"### {api}\n\n{_matrix_of(api)}" for api in APIS),
            f"### Our own side\n\n{_matrix(OWN)}",
            f"### Mail servers\n\n{_matrix(MAIL)}",
        ]
    )


def _types() -> Iterator[tuple[str, str]]:
    for kinds, answer in classification.TABLE:
        names = [code(name) for name in _names(kinds)]
        if not isinstance(answer, Verdict) and answer not in _RULES:
            raise docstrings.Undocumented(f"the rule of {names[0]} is missing in docs/generate/errors.py")
        shown = answer if isinstance(answer, Verdict) else _RULES[answer]
        words = _words(shown) if isinstance(shown, Verdict) else shown
        yield ", ".join(names) if answer is not classification.UNKNOWN else "anything else", words


def _names(kinds: Kinds) -> Iterator[str]:
    if isinstance(kinds, Foreign):
        yield from (f"{kinds.module.partition('.')[0]}.{name}" for name in kinds.names)
        return
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        package = kind.__module__.partition(".")[0]
        is_plain = package in ("builtins", "devsync")
        yield kind.__name__ if is_plain else f"{package.lstrip('_')}.{kind.__name__}"


def _words(verdict: Verdict) -> str:
    again = "tried again" if verdict.is_retryable else "not tried again"
    counted = ", counts for the breaker" if verdict.counts_for_breaker else ""
    return f"{code(verdict.category.value)}, {verdict.severity.value}, {again}{counted}"


def _verdicts(rows: Iterable[tuple[str, Verdict]]) -> str:
    head = ("", "category", "severity", "tried again", "counted")
    return table(head, [(name, *_cells(verdict)) for name, verdict in rows])


def _cells(told: Verdict) -> tuple[str, str, str, str]:
    return (
        code(told.category.value),
        told.severity.value,
        "yes" if told.is_retryable else "no",
        "yes" if told.counts_for_breaker else "no",
    )


def _said(verdict: Verdict) -> str:
    return verdict.says.replace(" ({words})", "").removesuffix(": {words}")


def _grouped(rows: Mapping[Any, Verdict], word: Callable[[Any], str]) -> list[tuple[str, Verdict]]:
    """One row a verdict, with all that lead to it."""
    groups: dict[Verdict, list[str]] = {}
    for key, verdict in rows.items():
        groups.setdefault(verdict, []).append(word(key))
    return [(", ".join(words), verdict) for verdict, words in groups.items()]


def _by_number(rows: Iterable[tuple[Container[int], Verdict]]) -> Iterator[tuple[str, Verdict]]:
    """`401, 403`; `other 4xx` where some of the hundred stand above."""
    above: set[int] = set()
    for numbers, verdict in rows:
        if isinstance(numbers, set):
            above |= {number // 100 for number in numbers}
            yield ", ".join(map(str, sorted(numbers))), verdict
        elif isinstance(numbers, range):
            hundred = numbers.start // 100
            yield f"{'other ' if hundred in above else ''}{hundred}xx", verdict


def _matrix_of(api: str) -> str:
    head = ("fault", "category", "code", "severity", "next attempt", "breaker", "if it passes", "if it stays")
    return table(head, [_row_of_api(row) for row in ROWS if row.api == api])


def _row_of_api(row: Row) -> tuple[str, ...]:
    endings = _ending(passing(row)), _ending(staying(row))
    if row.expected is None:
        return (row.name, "no failure", "", "", "", "", *endings)
    return (row.name, *_what(row.expected), _next(row.expected, row.api), _breaker(row, row.expected), *endings)


def _what(expected: Expected) -> tuple[str, str, str]:
    return code(expected.category.value), code(expected.code) if expected.code else "", expected.severity.value


def _next(expected: Expected, api: str = "") -> str:
    if not expected.is_retryable:
        return "none"
    if floor := expected.hint_seconds:
        return f"{floor}–{floor + min(floor / 2, 15):g} s"
    return "by schedule" if api == SLACK else "up to 1 s"


def _breaker(row: Row, expected: Expected) -> str:
    if expected.pauses:
        return f"paused, {expected.hint_seconds // 60} min"
    attempts = row.opens_after(THRESHOLD)
    return f"opens after {attempts}" if attempts else "never"


def _ending(ending: Ending | None) -> str:
    if ending is None:
        return "—"
    return f"{ending.end.value} ({ending.attempts})"


def _matrix(rows: Mapping[str, Expected]) -> str:
    head = ("fault", "category", "code", "severity", "next attempt", "counted")
    return table(
        head,
        [
            (name, *_what(expected), _next(expected), "yes" if expected.counts_for_breaker else "no")
            for name, expected in rows.items()
        ],
    )
