"""Whether a change breaks its users: the one judgement that no rule of a team may filter away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devsync.domain.changelog.conventional import parse
from devsync.domain.changelog.edition import ClassifiedBy
from devsync.domain.changelog.folding import Change
from devsync.domain.changelog.labels import plain_label
from devsync.domain.changelog.texts import one_line

BREAKING_LABELS = frozenset({"breaking", "breaking-change", "breaking-changes", "semver-major", "incompatible"})

BREAKING_MARKS = ("\N{COLLISION SYMBOL}", ":boom:")
"""gitmoji's mark of a breaking change, at the start of a title."""

NO_BREAKING_NOTES = frozenset({"none", "no", "n/a", "na", "nothing", "-"})
"""Templates ask for a `BREAKING CHANGE:` line; these answers say that there is none."""

_BREAKING_LINE = re.compile(r"^(?:[*-] )?BREAKING[ -]CHANGE(?::| #)\s*+(\S[^\n]*+)", re.MULTILINE)
_BREAKING_BULLET = re.compile(r"^[*-] ([a-zA-Z]{1,20}(?:\([^()\n]{1,60}\))?!: [^\n]++)", re.MULTILINE)


def breaking_note(change: Change) -> tuple[str, ClassifiedBy | None]:
    """What breaks, and which rule says so; None where nothing does.

    Wider than the specification, since a missed breaking change costs a reader more than one told in vain: the
    footer counts on any line of its own, and the bullets of a squashed body count like messages.
    """
    note, is_breaking = "", False
    for subject, rest in _messages(change):
        its_note, it_breaks = _breaking_text(change.without_own_number(subject), rest)
        note, is_breaking = note or its_note, is_breaking or it_breaks
        if note and is_breaking:
            break
    rule = ClassifiedBy.CONVENTIONAL_COMMIT if is_breaking else None
    if not BREAKING_LABELS.isdisjoint(map(plain_label, change.labels)):
        rule = ClassifiedBy.LABEL
    elif rule is None and change.title.startswith(BREAKING_MARKS):
        rule = ClassifiedBy.HEURISTIC
    return one_line(note), rule


def _messages(change: Change) -> Iterator[tuple[str, str]]:
    """Subject and rest of those texts that may say so: the pull request's own, then its commits'."""
    if "!:" in change.title or "BREAKING" in change.body or "!: " in change.body:
        yield change.title, change.body
    for commit in change.commits:
        if "!:" in commit.message or "BREAKING" in commit.message:
            subject, _, rest = commit.message.partition("\n")
            yield subject.strip(), rest


def _breaking_text(subject: str, rest: str) -> tuple[str, bool]:
    for line in _BREAKING_LINE.findall(rest) if "BREAKING" in rest else ():
        if line.strip(" .").casefold() not in NO_BREAKING_NOTES:
            return _whole_note(subject, rest, line), True
    for message in (subject, *(_BREAKING_BULLET.findall(rest) if "!: " in rest else ())):
        conventional = parse(message) if "!:" in message else None
        if conventional is not None and conventional.is_breaking:
            return conventional.description, True
    return "", False


def _whole_note(subject: str, rest: str, line: str) -> str:
    """The footer with its further lines where the message is well-formed, else the line."""
    conventional = parse(f"{subject}\n\n{rest.strip()}")
    note = conventional.breaking_note if conventional is not None else ""
    return note if note.startswith(line.strip()) else line
