"""What there is to tell about an edition, in reading order: the one thing that templates see.

Grouping, folding, naming and counting happen here once for all formats; templates only say it in their format.
Texts are those of the edition, not escaped (the environment does that when they are printed). Addresses have
passed `safe_url`: a template cannot reach a raw one.

Named tuples, since the environment reads their fields without the sandbox's checks.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from devsync.domain.changelog.edition import Edition, Gap, Item, ReleaseNote, Section
from devsync.rendering.escape import MAX_TITLE_LENGTH, SafeUrl, link_label, one_line, safe_url
from devsync.rendering.wording import (
    SECTION_WORDS,
    counted,
    day,
    listed,
    moment,
    period,
    service_name,
)

_MAX_NAME_LENGTH = 80
_MAX_PEOPLE = 4
_MAX_ISSUES = 4
_MAX_REPOSITORIES = 5


class Reference(NamedTuple):
    """Something to look at: a pull request, a commit, an issue. Without `url` only its name is shown."""

    label: str
    url: SafeUrl | None


def _reference(label: str, url: SafeUrl | None) -> Reference:
    return Reference(link_label(label) if url else label, url)


class Entry(NamedTuple):
    """One item as a line."""

    scope: str
    title: str
    reference: Reference
    issues: tuple[Reference, ...]
    people: str
    """`Anna, Bob and 2 more`, or empty."""
    note: str
    """How to cope with a breaking change, or empty."""
    is_breaking: bool
    """Breaking, and told outside the section of breaking changes: to be marked."""


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
    """A gap: what is not there, why, and what stands in for it."""

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


def story_of(edition: Edition, revision: int = 1) -> Story:
    """The whole story of an edition.

    The last one is kept as long as its edition lives: the formats of an edition are rendered one after another,
    and telling ten thousand items anew for each would take as long as rendering them.
    """
    global _last_told  # noqa: PLW0603 - one assignment of one tuple: safe between threads
    told_edition, told_revision, story = _last_told
    if story is not None and told_edition() is edition and told_revision == revision:
        return story
    story = _tell(edition, revision)
    _last_told = (weakref.ref(edition, _forget), revision, story)
    return story


def shortened(story: Story, entries_per_chapter: int) -> Story:
    """The story with the first entries of each section, which counts the others."""
    return story._replace(chapters=tuple(_shortened(chapter, entries_per_chapter) for chapter in story.chapters))


def _shortened(chapter: Chapter, limit: int) -> Chapter:
    omitted = len(chapter.entries) - limit
    if omitted <= 0:
        return chapter
    note = f"and {omitted:,} more, left out to keep this message short"
    return chapter._replace(entries=chapter.entries[:limit], omitted=omitted, omitted_note=note)


_last_told: tuple[Callable[[], Edition | None], int, Story | None] = (lambda: None, 0, None)


def _forget(gone: weakref.ref[Edition]) -> None:
    global _last_told  # noqa: PLW0603
    if _last_told[0] is gone:
        _last_told = (gone, 0, None)


def _tell(edition: Edition, revision: int) -> Story:
    entries = _Entries(edition.items)
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
    )


class _Entries:
    """Turns items into entries; knows how repositories are called in this edition."""

    def __init__(self, items: Iterable[Item]) -> None:
        names = sorted({item.repository for item in items if item.repository})
        # The shortest name that still tells them apart: nothing for one repository, no owner for one owner.
        one_owner = len({name.partition("/")[0] for name in names}) == 1
        self._short_names = {
            name: (name.rpartition("/")[2] if one_owner else name) if len(names) > 1 else "" for name in names
        }

    def repository(self, name: str) -> str:
        """How a repository is called inside a label; empty where naming it would tell nothing."""
        return self._short_names.get(name, name)

    def entry(self, item: Item) -> Entry:
        label = self._label(item)
        url = safe_url(item.url)
        issues: list[Reference] = []
        for issue in item.issues[:_MAX_ISSUES]:
            if issue.key == label:
                url = url or safe_url(issue.url)
            else:
                issues.append(_reference(issue.key, safe_url(issue.url)))
        if len(item.issues) > _MAX_ISSUES:
            issues.append(Reference(f"{len(item.issues) - _MAX_ISSUES} more", None))
        return Entry(
            scope=one_line(item.scope, _MAX_NAME_LENGTH),
            title=one_line(item.title, MAX_TITLE_LENGTH) or "(no title)",
            reference=_reference(label, url),
            issues=tuple(issues),
            people=_people(item.people) if item.people else "",
            note=one_line(item.breaking_note) if item.breaking_note else "",
            is_breaking=item.is_breaking and item.section is not Section.BREAKING,
        )

    def _label(self, item: Item) -> str:
        if item.pull_request is not None:
            return f"{self.repository(item.repository)}#{item.pull_request}"
        if item.commits:
            name, sha = self.repository(item.repository), item.commits[-1][:7]
            return f"{name}@{sha}" if name else sha
        return item.id


def _chapters(items: Sequence[Item], entries: _Entries) -> tuple[Chapter, ...]:
    by_section: dict[Section, list[Item]] = {}
    for item in items:
        by_section.setdefault(item.section, []).append(item)
    return tuple(_chapter(section, by_section[section], entries) for section in Section if section in by_section)


def _chapter(section: Section, items: list[Item], entries: _Entries) -> Chapter:
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


def _folded(section: Section, items: list[Item], entries: _Entries) -> str:
    noun = "dependency update" if section is Section.DEPENDENCIES else "automated change"
    by_repository = Counter(
        one_line(entries.repository(item.repository), _MAX_NAME_LENGTH) for item in items if item.repository
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
    name = one_line(team, _MAX_NAME_LENGTH)
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
    if asked >= missing:
        return f"{missing:,} of {counted(asked, 'source')} did not answer in full."
    return f"{counted(missing, 'source')} did not answer in full."


def _missing(gap: Gap, edition: Edition) -> Missing:
    name = gap.unit.removeprefix(f"{gap.service}:")
    reason = one_line(gap.reason).rstrip(".")
    stand_in = ""
    if gap.as_of is not None:
        stand_in = f"Data of {moment(gap.as_of, edition.window.timezone)} stands in"
        stand_in += "; later changes are missing." if gap.as_of < edition.window.end else "."
    return Missing(
        name=one_line(name, MAX_TITLE_LENGTH),
        service=service_name(gap.service),
        reason=f"{reason}." if reason else "No reason is known.",
        stand_in=stand_in,
    )


def _silence(edition: Edition) -> str:
    """An empty edition says what is known, and no more than that."""
    if not edition.is_partial:
        return "Nothing was merged or resolved in this window."
    if all(gap.as_of is None for gap in edition.gaps) and len({gap.unit for gap in edition.gaps}) >= len(
        edition.units_asked
    ):
        return "No source answered, so this edition cannot say what was merged or resolved in this window."
    return (
        "The sources that answered had nothing merged or resolved in this window. "
        "Others are missing, so there may have been changes that are not listed here."
    )


def _shipped(release: ReleaseNote, entries: _Entries, timezone: str) -> Shipped:
    repository = entries.repository(release.repository)
    tag = one_line(release.tag, _MAX_NAME_LENGTH)
    name = one_line(release.name, MAX_TITLE_LENGTH)
    return Shipped(
        reference=_reference(f"{repository} {tag}".strip(), safe_url(release.url)),
        name="" if name in {tag, release.repository} else name,
        is_prerelease=release.is_prerelease,
        day=day(release.published_at, timezone),
    )


def _people(names: tuple[str, ...]) -> str:
    shown = [one_line(name, _MAX_NAME_LENGTH) for name in names[:_MAX_PEOPLE]]
    if len(names) > _MAX_PEOPLE:
        shown.append(f"{len(names) - _MAX_PEOPLE} more")
    return listed(shown)


def _person(name: str, login: str | None) -> str:
    return one_line(name, _MAX_NAME_LENGTH) or (f"@{one_line(login, _MAX_NAME_LENGTH)}" if login else "(no name)")


def _footnotes(edition: Edition) -> tuple[str, ...]:
    notes = []
    if edition.reverted_pairs:
        pairs = counted(edition.reverted_pairs, "change")
        notes.append(f"{pairs} made and reverted within the window, not listed.")
    if edition.excluded_count:
        notes.append(f"{counted(edition.excluded_count, 'change')} left out by the team's label rules.")
    return tuple(notes)
