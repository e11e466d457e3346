"""GitHub's Atom feeds, in the product's words: titles only, and only the latest entries. Pure."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from devsync.domain.changelog.collected import Author, Commit, Release
from devsync.domain.changelog.texts import one_line
from devsync.runtime.classification import MalformedAnswer

T = TypeVar("T")

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_COMMIT_ID: Final = re.compile(r"tag:[^:]+:Grit::Commit/([0-9a-f]{40})")
_TAG_PAGE: Final = re.compile(r"/releases/tag/(.+)\Z")


def commits_of(feed: bytes) -> list[Commit]:
    """Newest first. A title is a subject, cut by GitHub where it is long; parents are not told.

    Raises MalformedAnswer for what is no feed of commits, as `releases_of` does.
    """
    return list(_entries(feed, "commits", _commit))


def releases_of(feed: bytes) -> list[Release]:
    """Newest first, without their texts."""
    return list(_entries(feed, "releases", _release))


def _entries(feed: bytes, what: str, read: Callable[[Element], T]) -> Iterator[T]:
    try:
        # Refuses document types: entities that grow, and files and addresses to read.
        root = fromstring(feed, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise MalformedAnswer("github", f"the feed of {what}", "no XML that can be read") from error
    if root.tag != f"{_ATOM}feed":
        raise MalformedAnswer("github", f"the feed of {what}", "a document that is no Atom feed")
    try:
        yield from map(read, root.iterfind(f"{_ATOM}entry"))
    except ValueError as error:
        raise MalformedAnswer("github", f"the feed of {what}", "a foreign entry") from error


def _commit(entry: Element) -> Commit:
    found = _COMMIT_ID.fullmatch(_text(entry, "id"))
    if found is None:
        raise ValueError("no commit")
    at = _instant(_text(entry, "updated"))
    return Commit(
        sha=found[1],
        message=one_line(_text(entry, "title")),
        author=_author(entry),
        authored_at=at,
        committed_at=at,
        url=_link(entry),
    )


def _release(entry: Element) -> Release:
    page = _link(entry)
    tag = _TAG_PAGE.search(urlsplit(page).path)
    if tag is None:
        raise ValueError("no release")
    return Release(
        tag=unquote(tag[1]),
        name=one_line(_text(entry, "title")),
        published_at=_instant(_text(entry, "updated")),
        author=_author(entry),
        url=page,
    )


def _author(entry: Element) -> Author:
    """GitHub gives an account's name with its page, and git's name where it knows no account."""
    person = entry.find(f"{_ATOM}author")
    name = one_line(person.findtext(f"{_ATOM}name") or "") if person is not None else ""
    has_account = person is not None and bool(person.findtext(f"{_ATOM}uri"))
    return Author(name=name or "unknown", login=name if has_account and name else None, is_bot=name.endswith("[bot]"))


def _text(entry: Element, name: str) -> str:
    return (entry.findtext(f"{_ATOM}{name}") or "").strip()


def _link(entry: Element) -> str:
    links = [link.get("href", "") for link in entry.iterfind(f"{_ATOM}link") if link.get("rel") == "alternate"]
    return links[0] if links and urlsplit(links[0]).scheme in ("http", "https") else ""


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    return at.astimezone(UTC)
