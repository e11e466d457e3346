"""Conventional Commits 1.0.0, rule by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.conventional import ConventionalCommit, git_reverted_shas, parse


def read(message: str) -> ConventionalCommit:
    found = parse(message)
    assert found is not None, message
    return found


HEADERS = [
    # message, type, scope, is_breaking, description
    ("feat: allow it", "feat", "", False, "allow it"),
    ("docs: correct spelling of CHANGELOG", "docs", "", False, "correct spelling of CHANGELOG"),
    ("feat(lang): add Polish language", "feat", "lang", False, "add Polish language"),
    ("feat!: send an email", "feat", "", True, "send an email"),
    ("feat(api)!: send an email", "feat", "api", True, "send an email"),
    ("feat(http parser)!: x", "feat", "http parser", True, "x"),
    ("feat(tree):no whitespaces here", "feat", "tree", False, "no whitespaces here"),
    ("FEAT: upper", "feat", "", False, "upper"),
    ("Fix(Core): mixed", "fix", "Core", False, "mixed"),
    ("fix( core ): padded", "fix", "core", False, "padded"),
    ("fix(@scope/package): x", "fix", "@scope/package", False, "x"),
    ("fix-it: x: y", "fix-it", "", False, "x: y"),
    ("feat:  two spaces ", "feat", "", False, "two spaces"),
    ("revert: let us never again speak of the noodle incident", "revert", "", False, None),
]
REJECTED = [
    "feat add it",
    "feat( foo ) add it",
    "feat(bar)! add it",
    "feat(foo: add it",
    "feat(): x",
    "feat( ): x",
    "feat (api): x",
    "feat : x",
    "feat!(api): x",
    "feat!!: x",
    "feat(a)(b): x",
    "feat(a\nb): x",
    "feat:",
    "feat:   ",
    "feat:\n\nonly a body",
    "my type: x",
    " feat: x",
    "(api): x",
    ": x",
    "https://example.org/a: b",
    "Merge pull request #1 from acme/fix\n\nfix: x",
    'Revert "feat: x"',
    "",
]


@pytest.mark.parametrize(("message", "type_", "scope", "is_breaking", "description"), HEADERS)
def test_a_header_is_read(message: str, type_: str, scope: str, is_breaking: bool, description: str | None) -> None:
    found = read(message)
    assert (found.type, found.scope, found.is_breaking) == (type_, scope, is_breaking)
    assert description is None or found.description == description


@pytest.mark.parametrize("message", REJECTED)
def test_what_does_not_follow_the_specification_is_no_conventional_commit(message: str) -> None:
    assert parse(message) is None


def test_rule_6_a_body_begins_one_blank_line_after_the_description() -> None:
    assert read("fix: x\n\nThe body.").body == "The body."
    assert parse("fix: x\nNot a body.") is None


def test_rule_7_a_body_has_as_many_paragraphs_as_it_likes() -> None:
    message = (
        "fix: prevent racing of requests\n\nIntroduce a request id and a reference.\n\n"
        "Remove timeouts which were used to mitigate.\n\nReviewed-by: Z\nRefs: #123\n"
    )
    found = read(message)
    assert found.body == ("Introduce a request id and a reference.\n\nRemove timeouts which were used to mitigate.")
    assert [(footer.token, footer.value) for footer in found.footers] == [
        ("Reviewed-by", "Z"),
        ("Refs", "#123"),
    ]


def test_rule_8_a_footer_is_parted_by_a_colon_and_space_or_by_a_space_and_hash() -> None:
    found = read("fix: x\n\nbody\n\nCloses #12\nAcked-by: A")
    assert [(footer.token, footer.value) for footer in found.footers] == [("Closes", "12"), ("Acked-by", "A")]


def test_rule_8_footers_need_a_blank_line_before_them() -> None:
    found = read("fix: x\n\nbody\nBREAKING CHANGE: y")
    assert found.footers == ()
    assert not found.is_breaking
    assert found.body == "body\nBREAKING CHANGE: y"


def test_rule_8_footers_may_follow_the_description_without_a_body() -> None:
    assert read("fix: x\n\nRefs: #1").footers[0].token == "Refs"
    assert read("fix: x\n\nRefs: #1").body == ""


def test_rule_9_only_the_breaking_token_may_hold_a_space() -> None:
    assert read("fix: x\n\nReviewed by: Z").footers == ()
    assert read("fix: x\n\nBREAKING CHANGE: Z").footers[0].token == "BREAKING CHANGE"


def test_rule_10_a_footer_goes_on_until_the_next_token() -> None:
    found = read("fix: x\n\nBREAKING CHANGE: a\n* b\n\nc d: no token\nRefs: #1")
    assert found.breaking_note == "a\n* b\n\nc d: no token"
    assert found.footers[1].token == "Refs"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("BREAKING CHANGE: `extends` key is now used", "`extends` key is now used"),
        ("BREAKING-CHANGE: y", "y"),
        ("BREAKING CHANGE #y", "y"),
        ("BREAKING CHANGE:\n* a\n* b", "* a\n* b"),
        ("body\n\nReviewed-by: Z\nBREAKING CHANGE: y", "y"),
        ("BREAKING CHANGE: first\nBREAKING CHANGE: second", "first"),
    ],
)
def test_rules_11_12_and_16_a_breaking_footer_breaks(text: str, note: str) -> None:
    found = read(f"chore: x\n\n{text}")
    assert found.is_breaking
    assert found.breaking_note == note


@pytest.mark.parametrize(
    "text",
    [
        "breaking change: y",
        "Breaking-Change: y",
        "BREAKING CHANGE y",
        "BREAKING CHANGE : y",
        "BREAKING CHANGES: y",
        "BREAKING CHANGE:",
        "see BREAKING CHANGE: y",
        "* BREAKING CHANGE: y",
        "feat!: y",
    ],
)
def test_rule_15_what_only_resembles_a_breaking_footer_breaks_nothing(text: str) -> None:
    assert not read(f"feat: x\n\n{text}").is_breaking


def test_rule_13_a_bang_makes_the_description_the_note_unless_a_footer_says_more() -> None:
    assert read("feat!: drop it").breaking_note == "drop it"
    assert read("feat!: drop it\n\nBREAKING CHANGE: use that").breaking_note == "use that"


def test_rule_14_any_type_is_allowed() -> None:
    assert read("noodles: x").type == "noodles"


def test_line_ends_of_windows_are_line_ends() -> None:
    found = read("feat: x\r\n\r\nbody\r\n\r\nBREAKING CHANGE: z\r\n")
    assert (found.description, found.body, found.breaking_note) == ("x", "body", "z")


def test_the_recommended_revert_names_its_commits() -> None:
    found = read("revert: let us never again speak of the noodle incident\n\nRefs: 676104e, a215868")
    assert found.reverted_shas == ("676104e", "a215868")


def test_references_of_other_types_revert_nothing() -> None:
    assert read("fix: x\n\nRefs: 676104e").reverted_shas == ()
    assert read("revert: x\n\nRefs: #1234567").reverted_shas == ()


def test_the_sentence_of_git_names_its_commit() -> None:
    sha = "5963160d7303111a217ee8453189d23a1c87925a"
    assert read(f"revert: x\n\nThis reverts commit {sha}.").reverted_shas == (sha,)
    assert git_reverted_shas(f'Revert "x"\n\nThis reverts commit {sha[:7].upper()}.') == (sha[:7],)
    assert git_reverted_shas("This reverts commit abc.") == ()


@pytest.mark.parametrize(
    "message",
    [
        "a" * 300_000,
        "feat(" + "a" * 300_000,
        "feat(" * 60_000,
        "feat: x\n\n" + "a-b.c_" * 50_000,
        "feat: x\n\n" + "a: b\n" * 60_000,
        "feat: x\n" + "\n" * 300_000 + "x",
        "feat: x\n\n" + "\n    " * 60_000,
        "feat: x\n\nbody\n\n" + "BREAKING CHANGE" * 20_000,
        "revert: x\n\n" + "This reverts commit " * 20_000,
        "revert: x\n\nRefs: " + "1234567" * 40_000,
    ],
)
@pytest.mark.timeout(10)
def test_a_message_of_any_length_is_read_in_linear_time(message: str) -> None:
    """No clock is read: what backtracks on these inputs takes hours, and the time limit ends it."""
    found = parse(message)
    assert found is None or found.reverted_shas is not None


@given(st.text(alphabet="feat()!: #\n-BREAKINGCH\r\t*1", max_size=80))
def test_whatever_is_read_has_a_type_and_a_description(message: str) -> None:
    found = parse(message)
    if found is not None:
        assert found.type == found.type.lower()
        assert found.type
        assert found.description
        assert "\n" not in found.description
        assert bool(found.breaking_note) == found.is_breaking
