"""One item as one line: what it is called, where it can be looked at, who made it.

Texts stay those of the edition (the environment escapes them when they are printed), made one line and cut to a
length; addresses have passed `safe_url`, so that a template cannot reach a raw one. Named tuples, since the
environment reads their fields without the sandbox's checks.
"""

from collections.abc import Iterable
from typing import NamedTuple

from devsync.domain.changelog.edition import Item, Section
from devsync.rendering.escape import MAX_TITLE_LENGTH, SafeUrl, link_label, one_line, safe_url
from devsync.rendering.wording import listed

MAX_NAME_LENGTH = 80
"""Characters of a name: of a person, a team, a scope, a repository, a tag."""

_MAX_PEOPLE = 4
_MAX_ISSUES = 4


class Reference(NamedTuple):
    """Something to look at: a pull request, a commit, an issue. Without `url` only its name is shown."""

    label: str
    url: SafeUrl | None


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


class Entries:
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
        """The item's line; beyond four, its issues and people are counted instead of named."""
        label = self._label(item)
        url = safe_url(item.url)
        issues: list[Reference] = []
        for issue in item.issues[:_MAX_ISSUES]:
            if issue.key == label:
                url = url or safe_url(issue.url)
            else:
                issues.append(reference_to(issue.key, safe_url(issue.url)))
        if len(item.issues) > _MAX_ISSUES:
            issues.append(Reference(f"{len(item.issues) - _MAX_ISSUES} more", None))
        return Entry(
            scope=one_line(item.scope, MAX_NAME_LENGTH),
            title=one_line(item.title, MAX_TITLE_LENGTH) or "(no title)",
            reference=reference_to(label, url),
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


def reference_to(label: str, url: SafeUrl | None) -> Reference:
    """The label leads to the address, or stands alone."""
    label = one_line(label, MAX_TITLE_LENGTH) or "(no name)"
    return Reference(link_label(label) if url else label, url)


def _people(names: tuple[str, ...]) -> str:
    shown = [one_line(name, MAX_NAME_LENGTH) or "(no name)" for name in names[:_MAX_PEOPLE]]
    if len(names) > _MAX_PEOPLE:
        shown.append(f"{len(names) - _MAX_PEOPLE} more")
    return listed(shown)
