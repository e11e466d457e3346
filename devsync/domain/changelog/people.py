"""Who made a change: bots told from people, co-authors read, one person recognised under several names.

People are named and counted, never ranked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from devsync.domain.changelog.collected import Author, PullRequest
from devsync.domain.changelog.edition import Contributor
from devsync.domain.changelog.texts import one_line

_BOT_NAME = re.compile(
    r"\b[\w@-]*[-_\[\]@ ]+bot[-_\d\[\]]*\b|\[bot\]|_bot_|_bot$|^bot_",
    re.IGNORECASE,
)
"""The rule that Middleware publishes (`is_bot_name`): "bot" as a word part of its own, so that robotics, lobotomy,
botany, about and bots are none."""

_KNOWN_BOTS = frozenset(
    {
        "claude",
        "copilot",
        "cursoragent",
        "dependabot",
        "dependabot-preview",
        "github-actions",
        "greenkeeper",
        "imgbot",
        "mergify",
        "pre-commit-ci",
        "renovate",
        "renovatebot",
    }
)
"""Machines whose names say nothing of a bot; they meet us as plain names in commits and trailers."""

_LONGEST_NAME = 200
"""More is no name; the bound keeps the name rule, which backtracks, cheap for any input."""

_CO_AUTHOR = re.compile(r"^[ \t]*+co-authored-by:([^<\n]*+)<([^>\n]*+)>", re.IGNORECASE | re.MULTILINE)
_NOREPLY = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com", re.IGNORECASE)

_FIRST_TIME = frozenset({"FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR"})


@lru_cache(maxsize=4096)
def is_bot_name(name: str) -> bool:
    """Whether a name or login is a machine's, judged by its form alone."""
    name = name[:_LONGEST_NAME].strip()
    return name.casefold() in _KNOWN_BOTS or _BOT_NAME.search(name) is not None


def is_bot(author: Author) -> bool:
    """GitHub's user type decides where it says bot; else login, name and address are judged by their form."""
    if author.is_bot or is_bot_name(author.name) or (author.login is not None and is_bot_name(author.login)):
        return True
    return author.email is not None and _is_machine_address(author.email)


def co_authors(text: str) -> tuple[Author, ...]:
    """The people named by `Co-authored-by: Name <address>` lines, in order."""
    if "co-authored-by:" not in text.lower():
        return ()
    return tuple(_co_author(name.strip(), address.strip()) for name, address in _CO_AUTHOR.findall(text))


@lru_cache(maxsize=4096)
def _co_author(name: str, address: str) -> Author:
    return Author(name=name or address, email=address, login=_login_in(address))


_Record = tuple[str, str | None, str | None, bool]


def _record(author: Author) -> _Record:
    """The author's fields: tens of thousands are compared, and tuples are quicker at it than models."""
    return author.name, author.login, author.email, author.is_bot


class People:
    """Everyone met in one edition: the same login or address is the same person.

    A name alone (JIRA tells no more) is the one person who bears it, where exactly one does.
    """

    def __init__(self, authors: Iterable[Author]) -> None:
        everyone = list({_record(author): author for author in authors}.values())
        logins: dict[str, set[str]] = defaultdict(set)
        for author in everyone:
            if author.login and author.email and not _is_machine_address(author.email):
                logins[author.email.casefold()].add(author.login)
        # Two accounts with one address: the first of the alphabet, so that input order decides nothing.
        self._login_by_address: Mapping[str, str] = {
            address: min(found, key=lambda login: (login.casefold(), login)) for address, found in logins.items()
        }
        self._identity_by_name: dict[str, str] = {}
        self._identities: dict[_Record, str] = {}
        self._records: dict[str, list[Author]] = defaultdict(list)
        bearers: dict[str, set[str]] = defaultdict(set)
        for author in everyone:
            if author.login or author.email:
                bearers[author.name.casefold()].add(self.identity(author))
        self._identity_by_name = {name: min(found) for name, found in bearers.items() if len(found) == 1}
        for author in everyone:
            self._records[self.identity(author)].append(author)
        self._bots = frozenset(key for key, found in self._records.items() if any(map(is_bot, found)))
        self._labels = {key: self._label(key) for key in self._records}

    def identity(self, author: Author) -> str:
        """A key that is equal for all appearances of one person."""
        record = _record(author)
        held = self._identities.get(record)
        if held is None:
            held = self._work_out_identity(author)
            if author.login or author.email:
                self._identities[record] = held
        return held

    def identities(self, authors: Iterable[Author]) -> tuple[str, ...]:
        """Each person once, in the order given."""
        return tuple(dict.fromkeys(map(self.identity, authors)))

    def is_bot(self, identity: str) -> bool:
        """Whether any appearance of this author is a bot's."""
        return identity in self._bots

    def label(self, identity: str) -> str:
        """`@login` where one is known, else the name."""
        return self._labels[identity]

    def contributors(
        self,
        identities_by_item: Iterable[Iterable[str]],
        first_timers: Collection[Author],
        known: Collection[str] | None,
    ) -> tuple[Contributor, ...]:
        """The people (no bots) behind the items, in order of name.

        `known` holds logins and names of earlier editions, case-folded, None where that is not known. It
        decides where it is given; otherwise `first_timers`, the authors whom GitHub calls so, are first-timers.
        """
        counts: dict[str, int] = defaultdict(int)
        for identities in identities_by_item:
            for key in identities:
                if key not in self._bots:
                    counts[key] += 1
        newcomers = {self.identity(author) for author in first_timers}
        found = [
            Contributor(
                name=self._name(key),
                login=self._login(key),
                item_count=count,
                is_first_time=key in newcomers if known is None else not self._is_known(key, known),
            )
            for key, count in counts.items()
        ]
        return tuple(sorted(found, key=_name_order))

    def _work_out_identity(self, author: Author) -> str:
        login = author.login
        if not login and author.email:
            address = author.email.casefold()
            login = self._login_by_address.get(address) or _login_in(address)
            if not login and not _is_machine_address(address):
                return f"address:{address}"
        if login:
            return f"login:{login.casefold()}"
        name = author.name.casefold()
        return self._identity_by_name.get(name) or f"name:{name}"

    def _is_known(self, key: str, known: Collection[str]) -> bool:
        login = self._login(key)
        names = {author.name.casefold() for author in self._records[key]}
        return not names.isdisjoint(known) or (login is not None and login.casefold() in known)

    def _label(self, key: str) -> str:
        login = self._login(key)
        return f"@{login}" if login else self._name(key)

    def _login(self, key: str) -> str | None:
        if not key.startswith("login:"):
            return None
        spelled = {author.login for author in self._records[key] if author.login}
        return min(spelled) if spelled else key.removeprefix("login:")

    def _name(self, key: str) -> str:
        """The fullest name: one that is no mere copy of the login, then the longest."""
        login = key.removeprefix("login:")
        names = {one_line(author.name) for author in self._records[key]} - {""} or {login}
        return min(names, key=lambda name: (name.casefold() == login, -len(name), name))


def _name_order(person: Contributor) -> tuple[str, str, str, int]:
    return person.name.casefold(), person.name, person.login or "", person.item_count


def first_timers(pull_requests: Iterable[PullRequest]) -> frozenset[Author]:
    """Authors whom GitHub's `author_association` calls first-timers; see `PullRequest.author_association`."""
    return frozenset(pull.author for pull in pull_requests if pull.author_association in _FIRST_TIME)


def _login_in(address: str) -> str | None:
    match = _NOREPLY.fullmatch(address)
    return match[1] if match else None


def _is_machine_address(address: str) -> bool:
    """`noreply@…` is shared by many and nobody's; GitHub's own `…@users.noreply.github.com` is a person's."""
    login = _login_in(address)
    if login is not None:
        return is_bot_name(login)
    return address.casefold().startswith(("noreply@", "no-reply@"))
