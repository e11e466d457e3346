"""What is told, folded, counted and admitted."""

import gc
from datetime import datetime

import pytest

from devsync.domain.changelog.difference import Difference, ItemKind
from devsync.domain.changelog.edition import Edition, Gap, Item, Section
from devsync.domain.changelog.telling import Amended, Telling
from devsync.rendering.story import Story, shortened, story_of
from tests.rendering import samples
from tests.rendering.samples import API, WEB, at, jira, pull


def told(*items: Item, **fields: object) -> Story:
    return story_of(samples.quiet().model_copy(update={"items": items, **fields}))


def test_sections_stand_in_reading_order_and_empty_ones_are_left_out() -> None:
    story = story_of(samples.normal())
    order = [section.value for section in Section]
    assert [chapter.key for chapter in story.chapters] == [
        key for key in order if key in {c.key for c in story.chapters}
    ]
    assert all(chapter.total for chapter in story.chapters)


@pytest.mark.parametrize(
    "edition", [samples.normal(), samples.partial(), samples.large(500)], ids=["normal", "partial", "large"]
)
def test_every_item_is_told_or_counted_once(edition: Edition) -> None:
    story = story_of(edition)
    assert sum(len(chapter.entries) + chapter.folded_count for chapter in story.chapters) == edition.item_count
    short = shortened(story, 2)
    assert sum(len(c.entries) + c.folded_count + c.omitted for c in short.chapters) == edition.item_count
    assert max(len(chapter.entries) for chapter in short.chapters) <= 2


def test_automated_changes_become_one_line_with_their_repositories() -> None:
    story = told(
        pull(Section.FIXES, 1, "By hand"),
        pull(Section.FIXES, 2, "By bot", is_automated=True),
        pull(Section.FIXES, 3, "By bot", WEB, is_automated=True),
        pull(Section.FIXES, 4, "By bot", WEB, is_automated=True),
    )
    assert [entry.title for entry in story.chapters[0].entries] == ["By hand"]
    assert story.chapters[0].folded == "3 automated changes: payments-api 1, payments-web 2"


def test_dependency_updates_are_folded_whoever_made_them() -> None:
    story = told(pull(Section.DEPENDENCIES, 1, "Bump a"), pull(Section.DEPENDENCIES, 2, "Bump b", is_automated=True))
    assert story.chapters[0].entries == ()
    assert story.chapters[0].folded == "2 dependency updates"


def test_a_breaking_change_is_never_folded_and_is_marked_outside_its_section() -> None:
    by_bot = pull(Section.BREAKING, 1, "Drop Python 3.10", is_automated=True, is_breaking=True)
    elsewhere = pull(Section.DEPENDENCIES, 2, "Bump to 2.0", is_automated=True, is_breaking=True)
    breaking, dependencies = told(by_bot, elsewhere).chapters
    assert [entry.is_breaking for entry in breaking.entries] == [False]
    assert [entry.is_breaking for entry in dependencies.entries] == [True]


@pytest.mark.parametrize(
    ("repositories", "labels"),
    [
        ((API, API), ["#1", "#2"]),
        ((API, WEB), ["payments-api#1", "payments-web#2"]),
        ((API, "other/payments-api"), ["acme/payments-api#1", "other/payments-api#2"]),
    ],
)
def test_a_pull_request_is_named_as_shortly_as_is_clear(repositories: tuple[str, str], labels: list[str]) -> None:
    story = told(*(pull(Section.FIXES, number, "x", name) for number, name in enumerate(repositories, 1)))
    assert [entry.reference.label for entry in story.chapters[0].entries] == labels


def test_an_issue_without_code_is_its_own_reference_once() -> None:
    item = Item(id="PAY-7", section=Section.ISSUES, title="x", issues=(jira("PAY-7"), jira("PAY-8")), shipped_at=at(10))
    entry = told(item).chapters[0].entries[0]
    assert entry.reference == ("PAY-7", "https://acme.atlassian.net/browse/PAY-7")
    assert [issue.label for issue in entry.issues] == ["PAY-8"]


def test_many_people_and_issues_are_counted_beyond_the_fourth() -> None:
    item = pull(Section.FIXES, 1, "x", people=tuple("abcdef"), issues=tuple(jira(f"PAY-{n}") for n in range(6)))
    entry = told(item).chapters[0].entries[0]
    assert entry.people == "a, b, c, d and 2 more"
    assert [issue.label for issue in entry.issues] == ["PAY-0", "PAY-1", "PAY-2", "PAY-3", "2 more"]


def test_highlights_follow_the_editions_order_and_unknown_ones_are_passed_over() -> None:
    first, second = pull(Section.FIXES, 1, "one"), pull(Section.FIXES, 2, "two")
    story = told(first, second, highlights=(second.id, "gone#3", first.id))
    assert [entry.title for entry in story.highlights] == ["two", "one"]


def gap(unit: str, **fields: object) -> Gap:
    return Gap.model_validate({"unit": unit, "service": unit.partition(":")[0], "reason": "It was down.", **fields})


@pytest.mark.parametrize(
    ("gaps", "claim"),
    [
        ((), "Nothing was merged or resolved in this window."),
        ((gap("jira:PAY"),), "The sources that answered had nothing"),
        ((gap("jira:PAY"), gap(f"github:{API}")), "No source answered"),
        ((gap("jira:PAY", as_of=at(12)), gap(f"github:{API}")), "The sources that answered had nothing"),
    ],
)
def test_an_empty_edition_claims_no_more_than_is_known(gaps: tuple[Gap, ...], claim: str) -> None:
    assert told(gaps=gaps).silence.startswith(claim)


def test_a_gap_names_its_source_its_reason_and_how_old_its_stand_in_is() -> None:
    week = {"window": samples.WINDOW}
    (fresh,) = told(gaps=(gap(f"github:{API}"),), **week).gaps
    assert fresh == (API, "GitHub", "It was down.", "")
    (ours,) = told(
        gaps=(gap(f"github:{API}", service="local", reason="half of it: look there", category="database"),)
    ).gaps
    assert ours == (API, "GitHub", "half of it.", "")
    (cached,) = told(gaps=(gap("jira:PAY", as_of=at(13, 7)),), **week).gaps
    assert cached.stand_in == "Data of 13 November 2026, 08:00 CET stands in; later changes are missing."
    (complete,) = told(gaps=(gap("jira:PAY", as_of=at(20, 7)),), **week).gaps
    assert complete.stand_in == "Data of 20 November 2026, 08:00 CET stands in."


def test_a_story_is_told_once_for_all_formats_and_forgotten_with_its_edition() -> None:
    edition = samples.normal()
    assert story_of(edition) is story_of(edition)
    assert story_of(edition, revision=2).revision == 2
    assert story_of(samples.normal().model_copy(update={"team": "web"})).title == "Web weekly changelog"
    del edition
    gc.collect()
    assert story_of(samples.quiet()).chapters == ()


LEDGER, PAY, BOARD = "github:acme/ledger", "jira:PAY", "jira:board/42"


@pytest.mark.parametrize(
    ("units", "difference", "expected"),
    [
        ((LEDGER,), Difference(added=1), "acme/ledger (GitHub) is there now: 1 change added."),
        (
            (LEDGER, PAY, BOARD),
            Difference(added=12, updated=2),
            "acme/ledger (GitHub), PAY (JIRA) and board 42 (JIRA) are there now: 12 changes added and 2 changes told "
            "anew.",
        ),
        (
            (LEDGER,),
            Difference(
                regrouped={ItemKind.PULL_REQUEST: 2}, replaced={ItemKind.COMMIT: 5, ItemKind.ISSUE: 1}, removed=1
            ),
            "acme/ledger (GitHub) is there now: 5 commits and 1 issue told as 2 pull requests and 1 change taken out.",
        ),
        ((LEDGER,), Difference(), "acme/ledger (GitHub) is there now: the list of changes stays the same."),
        ((LEDGER,), None, "acme/ledger (GitHub) is there now."),
    ],
)
def test_a_revision_says_what_is_different(
    units: tuple[str, ...], difference: Difference | None, expected: str
) -> None:
    telling = Telling(amended=Amended(units=units, difference=difference))
    assert story_of(samples.partial(), 2, telling).amended == expected


@pytest.mark.parametrize(
    ("asks_until", "given_up", "expected"),
    [
        (at(20), (), "It is asked for again until 20 November 2026, 13:00 CET; what comes is added to the changelog."),
        (
            at(20),
            (LEDGER,),
            "Nobody asks again for acme/ledger (GitHub). The rest is asked for again until 20 November 2026, 13:00 "
            "CET; what comes is added to the changelog.",
        ),
        (None, (LEDGER, PAY), "Nobody asks again for acme/ledger (GitHub) and PAY (JIRA)."),
        (None, (), ""),
    ],
)
def test_what_becomes_of_gaps_is_promised_only_while_somebody_asks(
    asks_until: datetime | None, given_up: tuple[str, ...], expected: str
) -> None:
    telling = Telling(asks_until=asks_until, asks_no_more_for=given_up)
    assert story_of(samples.partial(), 2, telling).follow_up == expected


def test_what_our_own_store_has_lost_is_not_said_to_be_silent() -> None:
    lost = Gap(
        unit=LEDGER,
        service="local",
        reason="collected, but our own store cannot be read: no route",
        category="database",
    )
    story = told(gaps=(lost,), units_asked=(LEDGER, PAY))
    assert story.gaps_summary == "1 of 2 sources could not be kept in full."
    assert (story.gaps[0].service, story.gaps[0].reason) == ("GitHub", "collected, but our own store cannot be read.")
