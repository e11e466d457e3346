"""The small phrases that every format shares: dates of a window, counted nouns, titles of sections."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from devsync.contracts.names import LOCAL
from devsync.domain.changelog.edition import Gap, ProvenanceKind, Section
from devsync.domain.changelog.window import Window
from devsync.domain.errors import ErrorCategory
from devsync.domain.spelling import service_name


class SectionWords(NamedTuple):
    title: str
    one: str
    many: str


SECTION_WORDS: dict[Section, SectionWords] = {
    Section.BREAKING: SectionWords("Breaking changes", "breaking change", "breaking changes"),
    Section.FEATURES: SectionWords("Features", "feature", "features"),
    Section.FIXES: SectionWords("Fixes", "fix", "fixes"),
    Section.PERFORMANCE: SectionWords("Performance", "performance change", "performance changes"),
    Section.SECURITY: SectionWords("Security", "security change", "security changes"),
    Section.REVERTED: SectionWords("Reverted", "revert", "reverts"),
    Section.ISSUES: SectionWords("Resolved issues", "resolved issue", "resolved issues"),
    Section.DOCUMENTATION: SectionWords("Documentation", "documentation change", "documentation changes"),
    Section.INTERNAL: SectionWords("Internal", "internal change", "internal changes"),
    Section.DEPENDENCIES: SectionWords("Dependencies", "dependency update", "dependency updates"),
    Section.OTHER: SectionWords("Other changes", "other change", "other changes"),
}

_OUR_FAULT = "something failed on our side"
_WHY_MISSING: dict[ErrorCategory, str] = {
    ErrorCategory.DATA_COLLECTION: "{service} does not show it to us",
    ErrorCategory.AUTHENTICATION: "{service} did not accept our credentials",
    ErrorCategory.RATE_LIMITING: "{service} took no more requests of ours in time",
    ErrorCategory.NETWORK: "{service} did not answer",
    ErrorCategory.EXTERNAL_SERVICE: "{service} had a failure of its own",
    ErrorCategory.CONFIGURATION: "it is not set up correctly",
    ErrorCategory.DATABASE: "our own store was away",
    ErrorCategory.DATA_PROCESSING: _OUR_FAULT,
    ErrorCategory.FORMATTING: _OUR_FAULT,
    ErrorCategory.DISTRIBUTION: _OUR_FAULT,
    ErrorCategory.SYSTEM: _OUR_FAULT,
}


_STAND_INS: dict[ProvenanceKind, str] = {
    ProvenanceKind.PARTIAL: "what it had answered before stands in",
    ProvenanceKind.MIRROR: "its git mirror stands in: commits, without pull requests",
    ProvenanceKind.FEED: "its public feed stands in: the latest titles",
    ProvenanceKind.DERIVED: "what other sources tell of it stands in",
}


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 fix`, `1,204 fixes`; without `many` the plural takes an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; empty for no words."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def unit_name(unit: str, service: str) -> str:
    """How readers know a source: `acme/ledger`, `PAY`, `board 42`, `deployments of acme/ledger`."""
    name = unit.removeprefix(f"{service}:")
    board, is_board, number = name.partition("board/")
    if is_board and not board:
        return f"board {number}"
    repository, is_deployments, rest = name.rpartition("/deployments")
    if is_deployments and "/" in repository and not rest:
        return f"deployments of {repository}"
    return name


def why_missing(service: str, category: str, reason: str) -> str:
    """Why a source is missing, in one clause for readers: what happened, not what an operator can do about it.

    The reason tells operators status, variable and cure; the category is what readers can make something of. What
    failed on our own machine, and what has no category, says what it means for readers before its first colon.
    """
    if service != LOCAL and category in set(ErrorCategory):
        return _WHY_MISSING[ErrorCategory(category)].format(service=service_name(service))
    return reason.partition(": ")[0]


def what_stands_in(gap: Gap, timezone: str = "UTC") -> str:
    """What there is in the place of the live answer, in one clause; empty where nothing is."""
    if gap.stand_in in _STAND_INS:
        return _STAND_INS[gap.stand_in]
    return f"data of {moment(gap.as_of, timezone)} stands in" if gap.as_of else ""


def period(window: Window) -> str:
    """`9–15 November 2026`: the window's days in the team's timezone, the last one included.

    A window that does not run from midnight to midnight (period since_last_edition) says its times and timezone.
    """
    zone = ZoneInfo(window.timezone)
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    # Asked of the instants, since in some zones a day has no midnight when clocks change.
    if _is_start_of_day(start) and _is_start_of_day(end):
        return _days(start.date(), (end - timedelta(microseconds=1)).date())
    return f"{_on_the_clock(start)} – {_on_the_clock(end)} ({window.timezone})"


def day(instant: datetime, timezone: str) -> str:
    """`9 November`, in the team's timezone."""
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{local.day} {local:%B}"


def days_of(first: date, last: date) -> str:
    """`26 November`, `26–30 November`, `30 November – 2 December`: days that are near, without their year."""
    if first == last:
        return f"{first.day} {first:%B}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%B}"
    return f"{first.day} {first:%B} – {last.day} {last:%B}"


def moment(instant: datetime, timezone: str) -> str:
    """`9 November 2026, 14:05 CET`, in the team's timezone: a mail is read anywhere."""
    local = instant.astimezone(ZoneInfo(timezone))
    return f"{_on_the_clock(local)} {zone_word(local)}"


def zone_word(local: datetime) -> str:
    """`CET`; of a zone that has no such word, `UTC+05:30`."""
    word = local.tzname() or ""
    return word if word.isalpha() else f"UTC{local.isoformat()[-6:]}"


def _on_the_clock(local: datetime) -> str:
    return f"{local.day} {local:%B %Y, %H:%M}"


def _days(first: date, last: date) -> str:
    if first == last:
        return f"{first.day} {first:%B %Y}"
    if first.year != last.year:
        return f"{first.day} {first:%B %Y} – {last.day} {last:%B %Y}"
    if first.month != last.month:
        return f"{first.day} {first:%B} – {last.day} {last:%B %Y}"
    return f"{first.day}–{last.day} {last:%B %Y}"


def _is_start_of_day(local: datetime) -> bool:
    midnight = datetime.combine(local.date(), time(), local.tzinfo)
    return local.timestamp() == midnight.timestamp()
