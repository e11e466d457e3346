"""Who works in the generated worlds. The names are made up; the addresses use domains reserved for examples."""

from __future__ import annotations

from sandbox.world import Person


def _member(name: str, login: str) -> Person:
    return Person(name=name, login=login, email=f"{login}@acme.example")


TEAM = (
    _member("Anna Lindqvist", "annalindqvist"),
    _member("Mehmet Yıldız", "myildiz"),
    _member("Priya Raman", "priyaraman"),
    _member("Jonas Weber", "jweber"),
    _member("Chiara Rossi", "chiara-rossi"),
    _member("Tomás Herrera", "therrera"),
    _member("Olu Adeyemi", "oluadeyemi"),
    _member("Kasia Nowak", "kasianowak"),
)
NEWCOMER = _member("Lea Brandt", "leabrandt")
"""Has no commit before the week that the world is about."""

CONTRACTOR = Person(name="Dmitri Volkov", login="dvolkov", email="dmitri@build-box.example")
"""Commits from an address that belongs to no GitHub account."""

DEPENDABOT = Person(
    name="dependabot[bot]",
    login="dependabot[bot]",
    email="49699333+dependabot[bot]@users.noreply.github.com",
    is_bot=True,
)
RENOVATE = Person(
    name="renovate[bot]",
    login="renovate[bot]",
    email="29139614+renovate[bot]@users.noreply.github.com",
    is_bot=True,
)
BOTS = (DEPENDABOT, RENOVATE)

_FIRST_NAMES = (
    "Ada", "Bruno", "Camille", "Deniz", "Elif", "Farid", "Greta", "Hugo", "Ines", "Joris",
    "Kenji", "Lotte", "Marek", "Nadia", "Oskar", "Paula", "Quentin", "Rosa", "Sven", "Tara",
)  # fmt: skip
_LAST_NAMES = (
    "Almeida", "Berg", "Castro", "Dimitrov", "Eriksen", "Fischer", "Gruber", "Hoffmann", "Ivanova", "Jansen",
    "Keller", "Lopez", "Moreau", "Novak", "Okafor", "Peeters", "Quist", "Ricci", "Santos", "Tanaka",
)  # fmt: skip


def crowd(size: int) -> tuple[Person, ...]:
    """The first `size` of 400 made-up colleagues."""
    everybody = [_member(f"{first} {last}", f"{first}{last}".lower()) for last in _LAST_NAMES for first in _FIRST_NAMES]
    return tuple(everybody[:size])
