"""The tables of classification, rule by rule; which rule is asked first is told in `cases/`."""

from __future__ import annotations

import pytest

from devsync.domain.changelog.classification import Verdict, classify_change, classify_issue
from devsync.domain.changelog.edition import ClassifiedBy, Section
from tests.domain.changelog.makers import change, issue


def verdict(title: str, body: str = "", *issue_types: str, **fields: object) -> Verdict:
    return classify_change(change(title, body, **fields), issue_types, frozenset({"outage"}), is_reverting=False)


CONVENTIONAL = [
    ("feat: x", Section.FEATURES),
    ("fix: x", Section.FIXES),
    ("perf: x", Section.PERFORMANCE),
    ("docs: x", Section.DOCUMENTATION),
    ("refactor: x", Section.INTERNAL),
    ("chore: x", Section.INTERNAL),
    ("security: x", Section.SECURITY),
    ("fix(security): x", Section.SECURITY),
    ("docs(security): x", Section.DOCUMENTATION),
    ("chore(deps): x", Section.DEPENDENCIES),
    ("fix(deps-dev): x", Section.DEPENDENCIES),
    ("fix: update dependency left-pad to v5", Section.DEPENDENCIES),
    ("build: bump x from 1.0.0 to 1.0.1", Section.DEPENDENCIES),
    ("chore: lock file maintenance", Section.DEPENDENCIES),
    ("fix: pin x to 2.2.1 for Python 3.9", Section.FIXES),
    ("feat: update the dependency graph", Section.FEATURES),
]


@pytest.mark.parametrize(("title", "section"), CONVENTIONAL)
def test_a_conventional_title_is_understood(title: str, section: Section) -> None:
    found = verdict(title)
    assert (found.section, found.classified_by) == (section, ClassifiedBy.CONVENTIONAL_COMMIT)


WORDS = [
    ("Fix the clock", Section.FIXES),
    ("[ui] Prevents nothing, fixes nothing", None),
    ("PAY-12: Handle an empty basket", Section.FIXES),
    ("[PAY-12] [ui] Add a total", Section.FEATURES),
    ("sdk: allow retries", Section.FEATURES),
    ("Speed up the search", Section.PERFORMANCE),
    ("Search is slow: lower latency", Section.PERFORMANCE),
    ("Document the API", Section.DOCUMENTATION),
    ("Fix typo in the error message", Section.DOCUMENTATION),
    ("Upgrade to netty 5", Section.DEPENDENCIES),
    ("Bump netty from 4.1 to 4.2", Section.DEPENDENCIES),
    ("Update netty to v4.2", Section.DEPENDENCIES),
    ("Upgrade netty because of CVE-2026-1", Section.SECURITY),
    ("Update the notice's year to 2026", None),
    ("Bump version to 4.2.0", Section.INTERNAL),
    ("v4.2.0", Section.INTERNAL),
    ("Refactor the basket", Section.INTERNAL),
    ("Fix flaky login test", Section.INTERNAL),
    ("Add test cases for the basket", Section.INTERNAL),
    ("Add a login test", Section.INTERNAL),
    ("Add a test mode for cards", Section.FEATURES),
    ("The basket crashes on Tuesdays", Section.FIXES),
    ("The basket should not be empty", Section.FIXES),
    ("NullPointerException in the basket", Section.FIXES),
    ("Tuesday", None),
    ("(#12)", None),
    ("???", None),
]


@pytest.mark.parametrize(("title", "section"), WORDS)
def test_a_free_title_is_read_by_its_words(title: str, section: Section | None) -> None:
    found = verdict(title)
    expected = (section, ClassifiedBy.HEURISTIC) if section else (Section.OTHER, ClassifiedBy.NOTHING)
    assert (found.section, found.classified_by) == expected


@pytest.mark.parametrize(
    ("branch", "section"),
    [
        ("fix/x", Section.FIXES),
        ("Feature/PAY-1-x", Section.FEATURES),
        ("dependabot/npm/x", Section.DEPENDENCIES),
        ("fix", Section.OTHER),
        ("anna/fix/x", Section.OTHER),
    ],
)
def test_the_branch_is_asked_last(branch: str, section: Section) -> None:
    assert verdict("Tuesday", head_branch=branch).section is section
    assert verdict("Add Tuesday", head_branch=branch).section is Section.FEATURES


@pytest.mark.parametrize(
    ("types", "section"),
    [
        (["Bug"], Section.FIXES),
        (["New Feature"], Section.FEATURES),
        (["Task", "Bug"], Section.FIXES),
        (["Outage"], Section.FIXES),
        (["Vulnerability"], Section.SECURITY),
        (["Task"], Section.OTHER),
        ([], Section.OTHER),
    ],
)
def test_the_first_issue_type_that_says_something_decides(types: list[str], section: Section) -> None:
    assert verdict("Tuesday", "", *types).section is section


@pytest.mark.parametrize(
    ("labels", "section"),
    [
        (["Type: Bug Fix"], Section.FIXES),
        (["kind/feature"], Section.FEATURES),
        (["docs", "security"], Section.SECURITY),
        (["documentation", "bug"], Section.FIXES),
        (["bug report", "wontfix"], Section.OTHER),
    ],
)
def test_labels_are_understood_in_every_spelling(labels: list[str], section: Section) -> None:
    assert verdict("Tuesday", labels=labels).section is section


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("feat(api): allow it", "allow it"),
        ("feat: allow it (#1)", "allow it"),
        ("feat: allow it (#2)", "allow it (#2)"),
        ("sdk: allow it", "sdk: allow it"),
        ('revert: "allow it"', 'revert: "allow it"'),
        ("(#1)", "(#1)"),
    ],
)
def test_the_shown_title_has_neither_kind_nor_own_number(title: str, shown: str) -> None:
    assert verdict(title).title == shown


@pytest.mark.parametrize(
    ("title", "rule"),
    [
        ('Revert "feat: x"', ClassifiedBy.HEURISTIC),
        ("fix: revert x", ClassifiedBy.HEURISTIC),
        ("revert: x", ClassifiedBy.CONVENTIONAL_COMMIT),
    ],
)
def test_undoing_older_work_is_a_revert_whatever_else_it_is(title: str, rule: ClassifiedBy) -> None:
    found = classify_change(change(title, labels=["bug"]), ["Story"], frozenset(), is_reverting=True)
    assert (found.section, found.classified_by) == (Section.REVERTED, rule)


@pytest.mark.parametrize("resolution", ["Won't Do", "won’t fix", "Duplicate", "Cannot Reproduce"])
def test_an_issue_that_was_closed_undone_shipped_nothing(resolution: str) -> None:
    found = classify_issue(issue(issue_type="Bug", labels=["security"], resolution=resolution), frozenset())
    assert found.section is Section.ISSUES


def test_an_issue_without_summary_is_called_by_its_key() -> None:
    assert classify_issue(issue(summary=" \n"), frozenset()).title == "PAY-1"
