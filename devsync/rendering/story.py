"""What there is to tell about an edition, in reading order: the one thing that templates see.

Grouping, folding, naming and counting happen here once for all formats; templates only say it in their format.
The conventions for texts and addresses are those of `entries`.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from devsync.contracts.names import LOCAL
from devsync.domain.changelog.difference import Difference, ItemKind
from devsync.domain.changelog.edition import Edition, Gap, Item, ProvenanceKind, ReleaseNote, Section
from devsync.domain.changelog.telling import Amended, Telling
from devsync.domain.spelling import service_name
from devsync.rendering.ahead import Figure, Group, ahead_of, figures_of
from devsync.rendering.entries import MAX_NAME_LENGTH, Entries, Entry, Reference, reference_to
from devsync.rendering.escape import MAX_TITLE_LENGTH, SafeUrl, one_line, safe_url
from devsync.rendering.wording import (
    SECTION_WORDS,
    counted,
    day,
    listed,
    moment,
    period,
    unit_name,
    what_stands_in,
    why_missing,
)

_MAX_REPOSITORIES = 5
_MAX_UNITS = 5
MAX_BANNER_LENGTH = 300

PLAIN = Telling()
"""An edition that is posted for the first time and has nothing beside itself to tell."""


class Chapter(NamedTuple):
    """One section with all that it tells. `entries` + `folded_count` + `omitted` = `total`."""

    key: str
    title: str
    total: int
    entries: tuple[Entry, ...]
    folded: str
    """One line for all automated changes and dependency updates, or empty."""
    folded_count: int
    omitted: int = 0
    """Entries that `shortened` took away."""
    omitted_note: str = ""
    """One line that says so, or empty."""


class Missing(NamedTuple):
    """A gap: what is not there, why (for readers, without the operator's cure), and what stands in for it."""

    name: str
    service: str
    reason: str
    stand_in: str


class Shipped(NamedTuple):
    """A release."""

    reference: Reference
    name: str
    is_prerelease: bool
    day: str


class Story(NamedTuple):
    """An edition, ready to be told."""

    title: str
    period: str
    week: str
    revision: int
    headline: str
    counts: tuple[str, ...]
    is_partial: bool
    gaps_summary: str
    gaps: tuple[Missing, ...]
    silence: str
    """What to say where there are no items, or empty."""
    highlights: tuple[Entry, ...]
    chapters: tuple[Chapter, ...]
    releases: tuple[Shipped, ...]
    people: tuple[str, ...]
    newcomers: tuple[str, ...]
    footnotes: tuple[str, ...]
    ahead: tuple[Group, ...]
    """What is next."""
    figures: tuple[Figure, ...]
    """The week in numbers."""
    is_overview_first: bool
    """For readers who plan more than they program: what is next and the numbers stand before the changes."""
    banner: str = ""
    """One line above everything, or empty."""
    follow_up: str = ""
    """What becomes of the gaps, or empty."""
    editors_note: str = ""
    amended: str = ""
    """What this revision has and the one before had not, or empty."""
    page: SafeUrl | None = None
    """Where on the dashboard more is to be seen."""


def story_of(edition: Edition, revision: int = 1, telling: Telling = PLAIN) -> Story:
    """The whole story of an edition.

    The last one is kept as long as its edition lives: the formats of an edition are rendered one after another,
    and telling ten thousand items anew for each would take as long as rendering them.
    """
    global _last_told  # noqa: PLW0603 - one assignment of one tuple: safe between threads
    told_edition, told_as, story = _last_told
    if story is not None and told_edition() is edition and told_as == (revision, telling):
        return story
    story = _tell(edition, revision)._replace(
        banner=one_line(telling.banner, MAX_BANNER_LENGTH),
        follow_up=_follow_up(edition, telling),
        amended=_amended(telling.amended) if telling.amended else "",
        page=safe_url(telling.page),
    )
    _last_told = (weakref.ref(edition, _forget), (revision, telling), story)
    return story


def shortened(story: Story, entries_per_chapter: int) -> Story:
    """The story with the first entries of each section, which counts the others."""
    return story._replace(chapters=tuple(_shortened(chapter, entries_per_chapter) for chapter in story.chapters))


def even_share(story: Story, available: int) -> int:
    """The most entries that each section may tell when all tell alike, and who has fewer leaves the rest to others."""
    share = most = 0
    amounts = sorted(len(chapter.entries) for chapter in story.chapters)
    for taken, amount in enumerate(amounts):
        share = available // (len(amounts) - taken)
        if amount > share:
            return share
        available -= amount
        most = amount
    return most


def _shortened(chapter: Chapter, limit: int) -> Chapter:
    omitted = len(chapter.entries) - limit
    if omitted <= 0:
        return chapter
    note = f"and {omitted:,} more, left out to keep this message short"
    return chapter._replace(entries=chapter.entries[:limit], omitted=omitted, omitted_note=note)


_Telling = tuple[int, Telling]
_last_told: tuple[Callable[[], Edition | None], _Telling, Story | None] = (lambda: None, (0, PLAIN), None)


def _forget(gone: weakref.ref[Edition]) -> None:
    global _last_told  # noqa: PLW0603
    if _last_told[0] is gone:
        _last_told = (gone, (0, PLAIN), None)


def _tell(edition: Edition, revision: int) -> Story:
    entries = Entries(edition.items)
    chapters = _chapters(edition.items, entries)
    by_id = {item.id: item for item in edition.items} if edition.highlights else {}
    return Story(
        title=_title(edition.team),
        period=period(edition.window),
        week=_week(edition.iso_week),
        revision=revision,
        headline=_headline(edition),
        counts=tuple(_count(chapter) for chapter in chapters),
        is_partial=edition.is_partial,
        gaps_summary=_gaps_summary(edition),
        gaps=tuple(_missing(gap, edition) for gap in edition.gaps),
        silence="" if edition.items else _silence(edition),
        highlights=tuple(entries.entry(by_id[key]) for key in edition.highlights if key in by_id),
        chapters=chapters,
        releases=tuple(_shipped(release, entries, edition.window.timezone) for release in edition.releases),
        people=tuple(_person(person.name, person.login) for person in edition.contributors),
        newcomers=tuple(_person(person.name, person.login) for person in edition.contributors if person.is_first_time),
        footnotes=_footnotes(edition),
        editors_note=one_line(edition.editors_note),
        ahead=ahead_of(edition),
        figures=figures_of(edition),
        is_overview_first=edition.audience != "engineering",
    )


def _chapters(items: Sequence[Item], entries: Entries) -> tuple[Chapter, ...]:
    by_section: dict[Section, list[Item]] = {}
    for item in items:
        by_section.setdefault(item.section, []).append(item)
    return tuple(_chapter(section, by_section[section], entries) for section in Section if section in by_section)


def _chapter(section: Section, items: list[Item], entries: Entries) -> Chapter:
    folded = [item for item in items if _is_folded(item)]
    told = [item for item in items if not _is_folded(item)] if folded else items
    return Chapter(
        key=section.value,
        title=SECTION_WORDS[section].title,
        total=len(items),
        entries=tuple(map(entries.entry, told)),
        folded=_folded(section, folded, entries) if folded else "",
        folded_count=len(folded),
    )


def _is_folded(item: Item) -> bool:
    """Routine goes into one line a section. Nothing that breaks a reader's work is routine."""
    if item.is_breaking or item.section is Section.BREAKING:
        return False
    return item.is_automated or item.section is Section.DEPENDENCIES


def _folded(section: Section, items: list[Item], entries: Entries) -> str:
    noun = "dependency update" if section is Section.DEPENDENCIES else "automated change"
    by_repository = Counter(
        one_line(entries.repository(item.repository), MAX_NAME_LENGTH) for item in items if item.repository
    )
    shares = [f"{name} {count:,}" for name, count in sorted(by_repository.items()) if name]
    if len(shares) > _MAX_REPOSITORIES:
        rest = counted(len(shares) - _MAX_REPOSITORIES, "more repository", "more repositories")
        shares = [*shares[:_MAX_REPOSITORIES], rest]
    total = counted(len(items), noun)
    if len(by_repository) == 1:
        return f"{total} in {next(iter(by_repository))}" if shares else total
    return f"{total}: {', '.join(shares)}" if shares else total


def _title(team: str) -> str:
    name = one_line(team, MAX_NAME_LENGTH)
    return f"{name[:1].upper()}{name[1:]} weekly changelog"


def _week(iso_week: str) -> str:
    return f"week {iso_week.rpartition('-W')[2].lstrip('0')}"


def _headline(edition: Edition) -> str:
    if not edition.items:
        return "No changes found" if edition.is_partial else "No changes"
    changes = counted(edition.item_count, "change")
    if not edition.contributors:
        return changes
    return f"{changes} by {counted(len(edition.contributors), 'person', 'people')}"


def _count(chapter: Chapter) -> str:
    words = SECTION_WORDS[Section(chapter.key)]
    return counted(chapter.total, words.one, words.many)


def _gaps_summary(edition: Edition) -> str:
    """`2 of 5 sources did not answer in full.`: how much of what was asked for is not live."""
    missing, asked = len({gap.unit for gap in edition.gaps}), len(edition.units_asked)
    how_many = f"{missing:,} of {counted(asked, 'source')}" if asked >= missing else counted(missing, "source")
    did_answer = any(gap.service == LOCAL for gap in edition.gaps)
    return f"{how_many} {'could not be kept' if did_answer else 'did not answer'} in full."


def _missing(gap: Gap, edition: Edition) -> Missing:
    # A source that our own machine lost is still the service's.
    service = gap.unit.partition(":")[0] if gap.service == LOCAL else gap.service
    reason = one_line(why_missing(gap.service, gap.category, gap.reason)).rstrip(".")
    return Missing(
        name=one_line(unit_name(gap.unit, service), MAX_TITLE_LENGTH) or "(no name)",
        service=service_name(service),
        reason=f"{reason}." if reason else "No reason is known.",
        stand_in=_stand_in(gap, edition),
    )


def _stand_in(gap: Gap, edition: Edition) -> str:
    clause = what_stands_in(gap, edition.window.timezone)
    is_older = gap.stand_in in {None, ProvenanceKind.CACHED} and gap.as_of and gap.as_of < edition.window.end
    return f"{clause[:1].upper()}{clause[1:]}{'; later changes are missing' if is_older else ''}." if clause else ""


def _follow_up(edition: Edition, telling: Telling) -> str:
    if not edition.is_partial:
        return ""
    sentences = []
    if telling.asks_no_more_for:
        sentences.append(f"Nobody asks again for {_names_of(telling.asks_no_more_for)}.")
    if telling.asks_until is not None:
        what = "The rest" if telling.asks_no_more_for else "It"
        until = moment(telling.asks_until, edition.window.timezone)
        sentences.append(f"{what} is asked for again until {until}; what comes is added to the changelog.")
    return " ".join(sentences)


def _amended(amended: Amended) -> str:
    """`acme/ledger (GitHub) is there now: 2 changes added, 5 commits told as 3 pull requests.`"""
    is_there = f"{_names_of(amended.units)} {'is' if len(amended.units) == 1 else 'are'} there now"
    return f"{is_there}: {_different(amended.difference)}." if amended.difference else f"{is_there}."


def _different(difference: Difference) -> str:
    parts = []
    if difference.added:
        parts.append(f"{counted(difference.added, 'change')} added")
    if difference.regrouped:
        parts.append(f"{_kinds(difference.replaced)} told as {_kinds(difference.regrouped)}")
    if difference.updated:
        parts.append(f"{counted(difference.updated, 'change')} told anew")
    if difference.removed:
        parts.append(f"{counted(difference.removed, 'change')} taken out")
    return listed(parts) if parts else "the list of changes stays the same"


def _kinds(counts: Mapping[ItemKind, int]) -> str:
    return listed([counted(count, kind.value) for kind, count in counts.items()])


def _names_of(units: Sequence[str]) -> str:
    """`acme/ledger (GitHub) and PAY (JIRA)`"""
    names = []
    for unit in units[:_MAX_UNITS]:
        service = unit.partition(":")[0]
        names.append(f"{one_line(unit_name(unit, service), MAX_NAME_LENGTH)} ({service_name(service)})")
    if len(units) > _MAX_UNITS:
        names.append(counted(len(units) - _MAX_UNITS, "more source"))
    return listed(names)


def _silence(edition: Edition) -> str:
    """An empty edition says what is known, and no more than that."""
    if not edition.is_partial:
        return "Nothing was merged or resolved in this window."
    nothing_stands_in = all(gap.as_of is None for gap in edition.gaps)
    if nothing_stands_in and len({gap.unit for gap in edition.gaps}) >= len(edition.units_asked):
        return "No source answered, so this edition cannot say what was merged or resolved in this window."
    return (
        "The sources that answered had nothing merged or resolved in this window. "
        "Others are missing, so there may have been changes that are not listed here."
    )


def _shipped(release: ReleaseNote, entries: Entries, timezone: str) -> Shipped:
    repository = entries.repository(release.repository)
    tag = one_line(release.tag, MAX_NAME_LENGTH)
    name = one_line(release.name, MAX_TITLE_LENGTH)
    return Shipped(
        reference=reference_to(f"{repository} {tag}".strip(), safe_url(release.url)),
        name="" if one_line(release.name, MAX_NAME_LENGTH) == tag else name,
        is_prerelease=release.is_prerelease,
        day=day(release.published_at, timezone),
    )


def _person(name: str, login: str | None) -> str:
    return one_line(name, MAX_NAME_LENGTH) or (f"@{one_line(login, MAX_NAME_LENGTH)}" if login else "(no name)")


def _footnotes(edition: Edition) -> tuple[str, ...]:
    notes = []
    if edition.hidden_count:
        notes.append(f"{counted(edition.hidden_count, 'change')} taken out by the editors.")
    if edition.reverted_pairs:
        pairs = counted(edition.reverted_pairs, "change")
        notes.append(f"{pairs} made and reverted within the window, not listed.")
    if edition.excluded_count:
        notes.append(f"{counted(edition.excluded_count, 'change')} left out by the team's label rules.")
    return tuple(notes)
