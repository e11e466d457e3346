"""What is told, folded, counted and admitted."""

import gc

import pytest

from devsync.domain.changelog.edition import Edition, Gap, Item, Section
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
    assert cached.stand_in == "Data of 13 November 2026, 08:00 stands in; later changes are missing."
    (complete,) = told(gaps=(gap("jira:PAY", as_of=at(20, 7)),), **week).gaps
    assert complete.stand_in == "Data of 20 November 2026, 08:00 stands in."


def test_a_story_is_told_once_for_all_formats_and_forgotten_with_its_edition() -> None:
    edition = samples.normal()
    assert story_of(edition) is story_of(edition)
    assert story_of(edition, revision=2).revision == 2
    assert story_of(samples.normal().model_copy(update={"team": "web"})).title == "Web weekly changelog"
    del edition
    gc.collect()
    assert story_of(samples.quiet()).chapters == ()
