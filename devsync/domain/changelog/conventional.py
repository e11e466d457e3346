"""Conventional Commits 1.0.0: what a commit message says about its own kind, read to the letter.

The specification is https://www.conventionalcommits.org/en/v1.0.0/; "rule n" below is its numbered rule n. Every
regular expression here is possessive or anchored, so that a message of any length is read in linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from devsync.domain.changelog.texts import unix_lines

_HEADER = re.compile(
    r"(?P<type>[^\s:()!]++)"
    r"(?:\((?P<scope>[^()\n]++)\))?"
    r"(?P<bang>!)?"
    r":(?!//)(?P<description>[^\n]*+)"
)
"""Rules 1, 4, 5 and 13. The space after the colon may be missing, as every parser in use allows; an address
(`https://…`) is no type with a description."""

_FOOTER_HEAD = r"(?P<token>BREAKING CHANGE|\w[\w.-]*+)(?P<separator>:(?=\s|\Z)| #)"
_FOOTER = re.compile(rf"^{_FOOTER_HEAD}", re.MULTILINE)
_FIRST_FOOTER = re.compile(rf"(?:\A|\n[ \t]*+\n)(?={_FOOTER_HEAD})")
"""Rule 8: footers come one blank line after the body, or after the description where there is no body."""

_BREAKING_TOKENS = frozenset({"BREAKING CHANGE", "BREAKING-CHANGE"})
"""Rules 15 and 16: upper case, and the two are the same."""

_GIT_REVERT = re.compile(r"\bThis reverts commit\s++([0-9a-fA-F]{7,64})\b")
_SHA = re.compile(r"(?<![\w#])[0-9a-f]{7,64}\b")


@dataclass(frozen=True, slots=True)
class Footer:
    """One footer; `value` may span lines, without surrounding white space."""

    token: str
    value: str


class ConventionalCommit(NamedTuple):
    """A message that follows the specification."""

    type: str
    """In lower case (rule 15: types are not case-sensitive)."""
    scope: str
    """Empty where the message names none."""
    description: str
    body: str = ""
    footers: tuple[Footer, ...] = ()
    is_breaking: bool = False
    breaking_note: str = ""
    """What breaks: the first breaking footer, else the description (rule 13); empty where nothing breaks."""

    @property
    def reverted_shas(self) -> tuple[str, ...]:
        """The commits that this one undoes: the `Refs:` of a `revert:` (the specification's recommendation)
        and git's own `This reverts commit <sha>.`; abbreviated as written, in lower case."""
        named = git_reverted_shas(self.body) + tuple(
            sha for footer in self.footers for sha in git_reverted_shas(footer.value)
        )
        if self.type == "revert":
            for footer in self.footers:
                if footer.token.casefold() == "refs":
                    named += tuple(_SHA.findall(footer.value.lower()))
        return tuple(dict.fromkeys(named))


def parse(message: str) -> ConventionalCommit | None:
    """Read a whole commit message; None where it does not follow the specification.

    A second line that is not blank makes a message unconventional (rule 6). To read a pull request, or a commit
    as GitHub shows it, join title and text by a blank line first.
    """
    message = unix_lines(message)
    header = _HEADER.match(message)
    if header is None:
        return None
    scope = (header["scope"] or "").strip()
    description = header["description"].strip()
    if not description or (header["scope"] is not None and not scope):
        return None
    body = ""
    footers: tuple[Footer, ...] = ()
    if header.end() < len(message):
        _, _, rest = message[header.end() :].partition("\n")
        second_line, _, text = rest.partition("\n")
        if second_line.strip():
            return None
        body, footers = _split_footers(text)
    note = next((footer.value for footer in footers if footer.token in _BREAKING_TOKENS), "")
    is_breaking = bool(note or header["bang"])
    return ConventionalCommit(
        type=header["type"].lower(),
        scope=scope,
        description=description,
        body=body,
        footers=footers,
        is_breaking=is_breaking,
        breaking_note=note or (description if is_breaking else ""),
    )


def git_reverted_shas(text: str) -> tuple[str, ...]:
    """The commits named by `This reverts commit <sha>`, which `git revert` and GitHub write; in lower case."""
    if "This reverts commit" not in text:
        return ()
    return tuple(sha.lower() for sha in _GIT_REVERT.findall(text))


def _split_footers(text: str) -> tuple[str, tuple[Footer, ...]]:
    text = text.strip("\n").rstrip()
    first = _FIRST_FOOTER.search(text)
    if first is None:
        return text.strip(), ()
    heads = list(_FOOTER.finditer(text, first.end()))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    # Rule 10: a value may hold blank lines; only the next token and separator end it.
    footers = tuple(
        Footer(head["token"], value)
        for head, end in zip(heads, ends, strict=True)
        if (value := text[head.end() : end].strip())
    )
    return text[: first.start()].strip(), footers
