"""Who is a bot, who is one person, who is new."""

from __future__ import annotations

import pytest

from devsync.domain.changelog.collected import Author
from devsync.domain.changelog.people import People, co_authors, first_timers, is_bot, is_bot_name
from tests.domain.changelog.makers import pull

BOTS = (
    "dependabot[bot]", "renovate[bot]", "github-actions[bot]", "acme-bot", "acme_bot", "acme bot", "bot_acme",
    "release-bot-2", "Dependabot", "renovate", "copilot", "Claude", "acme-bot-eu", "my[bot]",
)  # fmt: skip
PEOPLE = ("anna", "robotics", "lobotomy", "botany", "about", "bots", "abbot", "Bottas", "robot", "bot", "botond", "")


@pytest.mark.parametrize("name", BOTS)
def test_a_bot_is_known_by_its_name(name: str) -> None:
    assert is_bot_name(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_people_whose_names_contain_bot_are_none(name: str) -> None:
    assert not is_bot_name(name)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (Author(name="Acme", login="acme", is_bot=True), True),
        (Author(name="Acme", login="acme-bot"), True),
        (Author(name="acme-bot", login="acme"), True),
        (Author(name="Acme", email="noreply@acme.example"), True),
        (Author(name="Acme", email="1+renovate@users.noreply.github.com"), True),
        (Author(name="Anna", email="1+anna@users.noreply.github.com"), False),
        (Author(name="Anna", login="anna", email="anna@acme.example"), False),
    ],
)
def test_githubs_word_decides_before_the_form_of_a_name(author: Author, expected: bool) -> None:
    assert is_bot(author) is expected


def test_trailers_name_co_authors_in_order() -> None:
    text = (
        "x\n\nCo-authored-by: Bob <12+bob@users.noreply.github.com>\n  CO-AUTHORED-BY:Dana< d@x.example >\n"
        "Not Co-authored-by: Erik <e@x.example>\nCo-authored-by: Fay\nCo-authored-by: <g@x.example>\n"
    )
    assert [(one.name, one.login, one.email) for one in co_authors(text)] == [
        ("Bob", "bob", "12+bob@users.noreply.github.com"),
        ("Dana", None, "d@x.example"),
        ("g@x.example", None, "g@x.example"),
    ]


ACCOUNT = Author(name="anna", login="Anna")
WITH_ADDRESS = Author(name="Anna Schmidt", login="anna", email="anna@acme.example")
ADDRESS = Author(name="A. Schmidt", email="Anna@acme.example")
NOREPLY = Author(name="anna", email="7+ANNA@users.noreply.github.com")
NAME = Author(name="anna schmidt")


def test_one_person_is_recognised_under_all_names() -> None:
    people = People([ACCOUNT, WITH_ADDRESS, ADDRESS, NOREPLY, NAME])
    (identity,) = people.identities([ADDRESS, NAME, ACCOUNT, NOREPLY, WITH_ADDRESS])
    assert people.label(identity) == "@Anna"
    (person,) = people.contributors([[identity], [identity]], frozenset(), None)
    assert (person.name, person.login, person.item_count) == ("Anna Schmidt", "Anna", 2)


@pytest.mark.parametrize("known", [Author(name="Anna", login="anna"), Author(name="Anna", email="anna@acme.example")])
def test_a_bare_name_is_the_one_person_who_bears_it(known: Author) -> None:
    bare = Author(name="ANNA")
    assert len(People([known, bare]).identities([known, bare])) == 1


def test_a_name_that_two_bear_is_neither_of_them() -> None:
    here, there = Author(name="Kim", email="kim@a.example"), Author(name="Kim", email="kim@b.example")
    bare = Author(name="Kim")
    people = People([here, there, bare])
    assert len(set(people.identities([here, there, bare]))) == 3


def test_an_address_that_machines_share_joins_nobody() -> None:
    one, other = Author(name="One", email="noreply@acme.example"), Author(name="Two", email="noreply@acme.example")
    assert len(People([one, other]).identities([one, other])) == 2


def test_a_bot_in_one_appearance_is_one_in_all() -> None:
    told, untold = Author(name="Helper", login="helper", is_bot=True), Author(name="Helper", login="helper")
    people = People([told, untold])
    (identity,) = people.identities([untold])
    assert people.is_bot(identity)
    assert people.contributors([[identity]], frozenset(), None) == ()


def test_people_are_told_in_order_of_name_and_never_ranked() -> None:
    authors = [Author(name=name, login=name) for name in ("chidi", "Bob", "anna")]
    people = People(authors)
    items = [people.identities(authors[:1])] * 5 + [people.identities(authors)]
    told = people.contributors(items, frozenset(), None)
    assert [(person.name, person.item_count) for person in told] == [("anna", 1), ("Bob", 1), ("chidi", 6)]


def test_github_calls_first_timers_so() -> None:
    pulls = [
        pull(1, author=ACCOUNT, author_association="FIRST_TIMER"),
        pull(2, author=WITH_ADDRESS, author_association="FIRST_TIME_CONTRIBUTOR"),
        pull(3, author=ADDRESS, author_association="CONTRIBUTOR"),
    ]
    assert first_timers(pulls) == {ACCOUNT, WITH_ADDRESS}
