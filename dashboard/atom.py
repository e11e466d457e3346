"""A team's editions as an Atom feed (RFC 4287): one entry a week, which changes with its revisions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import nh3

from devsync.contracts.edition import EditionStatus
from devsync.domain.dashboard_pages import edition_page
from devsync.rendering.escape import one_line
from devsync.rendering.wording import counted, what_stands_in
from devsync.storage.editions import EditionRecord

MEDIA_TYPE: Final = "application/atom+xml"

_ATOM: Final = "http://www.w3.org/2005/Atom"
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""An empty feed needs a time too, and must not look new at each question."""
_TAGS: Final = {
    *("a", "bdi", "br", "code", "div", "em", "h1", "h2", "h3", "hr", "li", "ol", "p", "pre", "span", "strong", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
_HIDDEN: Final = re.compile(r'<(\w+)[^>]*\bstyle="[^"]*display:\s*none[^"]*"[^>]*>.*?</\1>', re.DOTALL)
"""What a mail keeps for the list of an inbox. Without its style it would be seen."""
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Feed(NamedTuple):
    """`base`: how people reach the dashboard; `path`: the feed's own address below it."""

    team: str
    base: str
    path: str

    @property
    def id(self) -> str:
        """A tag URI (RFC 4151): it stays when keys change and pages move, as an id must."""
        return f"tag:{urlsplit(self.base).hostname},2026:{quote(self.team)}"

    def page(self, iso_week: str) -> str:
        return f"{self.base}{edition_page(self.team, iso_week)}"


def atom(feed: Feed, editions: Sequence[tuple[EditionRecord, bytes | None]]) -> bytes:
    """`editions`: the newest week first, each with its mail in HTML; None where that is not kept any more."""
    root = ElementTree.Element("feed", xmlns=_ATOM, attrib={"xml:lang": "en"})
    _add(root, "id", feed.id)
    _add(root, "title", f"Changelog of {feed.team}")
    _add(root, "updated", _instant(max((record.composed_at for record, _ in editions), default=_BEFORE_ALL)))
    _link(root, "self", f"{feed.base}{feed.path}", MEDIA_TYPE)
    _link(root, "alternate", f"{feed.base}/editions?team={quote(feed.team)}", "text/html")
    _add(ElementTree.SubElement(root, "author"), "name", feed.team)
    for record, mail in editions:
        _entry(root, feed, record, mail)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(root: ElementTree.Element, feed: Feed, record: EditionRecord, mail: bytes | None) -> None:
    entry = ElementTree.SubElement(root, "entry")
    _add(entry, "id", f"{feed.id}/{record.iso_week}")
    _add(entry, "title", _title(record))
    _add(entry, "updated", _instant(record.composed_at))
    _link(entry, "alternate", feed.page(record.iso_week), "text/html")
    _add(entry, "summary", _summary(record))
    if mail is not None:
        content = _add(entry, "content", sanitised(mail.decode("utf-8", "replace")))
        content.set("type", "html")


def _title(record: EditionRecord) -> str:
    notes = [
        *(["partial"] if record.status is EditionStatus.PARTIAL else []),
        *([f"revision {record.revision}"] if record.revision > 1 else []),
    ]
    told = f" ({', '.join(notes)})" if notes else ""
    return f"Changelog of {record.team}, {record.iso_week}{told}"


def _summary(record: EditionRecord) -> str:
    missing = "; ".join(
        f"{gap.unit} is not live: {instead}" if (instead := what_stands_in(gap)) else f"{gap.unit} is missing"
        for gap in record.gaps
    )
    return f"{counted(record.item_count, 'item')}{f'; {one_line(missing)}' if missing else ''}"


def sanitised(mail: str) -> str:
    """A mail's text and structure, without styles, scripts, pictures and whatever else a reader need not trust."""
    return nh3.clean(
        _HIDDEN.sub("", mail),
        tags=_TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


def _add(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = _NOT_IN_XML.sub("", text)
    return element


def _link(parent: ElementTree.Element, relation: str, address: str, media_type: str) -> None:
    ElementTree.SubElement(parent, "link", rel=relation, href=address, type=media_type)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
