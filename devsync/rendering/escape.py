"""Text from outside becomes inert here: pure functions, one for each output format.

Everything in an edition was written by somebody else: a PR title is whatever its author typed. Each function
takes any text and returns one line that the format shows as text and nothing else. They are installed as the
`finalize` step of the template environments, so that no template can forget them.

Design section 9: `<!channel>`, `<@U1>`, HTML, CR/LF, template braces, control and bidi characters change nothing.
"""

import re
from urllib.parse import quote

from markupsafe import Markup
from markupsafe import escape as _escape_html

MAX_TEXT_LENGTH = 600
"""Characters of any one value in a document, before escaping: longer text ends in an ellipsis."""

MAX_TITLE_LENGTH = 256
"""Characters of a title. GitHub's PR titles end at 256 and JIRA's summaries at 255: no honest one is cut."""

MAX_URL_LENGTH = 500
"""Longer addresses are not linked. A pull request's or an issue's stays below 250."""

_ELLIPSIS = "…"
_ZERO_WIDTH_SPACE = "\u200b"

# Line and paragraph ends of every kind that str.splitlines knows, and tabs.
_LINE_BREAKS = re.compile("[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
# What has an effect but no shape: C0 and C1 controls (a terminal's escape sequences begin with one), the
# characters that turn the reading direction (CVE-2021-42574), byte order marks and the two non-characters.
# Zero-width joiners stay: emoji and several scripts are spelled with them.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
# A cut must not end in half an emoji: joiners, variation selectors and skin tones belong to what they follow.
_JOINING_TAIL = "\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff "


class SafeUrl(str):
    """An http(s) address of harmless ASCII characters only; made by `safe_url` alone."""

    __slots__ = ()


class LinkLabel(str):
    """A link's label such as `payments-api#412`, of characters that no format interprets inside a link.

    Made by `link_label` alone. Not for use outside a link: GitHub would look for an issue 412 there.
    """

    __slots__ = ()


def one_line(text: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """The text as one clean line of at most `limit` characters, not yet escaped for any format.

    Line breaks become spaces, control and direction-changing characters vanish, lone surrogates become U+FFFD
    (they cannot be encoded), what is too long ends in an ellipsis.
    """
    if not text.isprintable():
        # The slice bounds the work on absurd input: ten megabytes of controls are no title either.
        text = _LINE_BREAKS.sub(" ", text[: 8 * limit])
        text = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))
    text = text.strip()
    if len(text) > limit:
        return text[: limit - 1].rstrip(_JOINING_TAIL) + _ELLIPSIS
    return text


def plain(text: str) -> str:
    """For text/plain and for terminals: a clean line is all it takes."""
    return one_line(text)


def html(text: str) -> Markup:
    """For HTML, as content and inside quoted attributes."""
    return _escape_html(one_line(text))


# mrkdwn has no escape character, and whether a zero-width character next to a marker stops it or starts it
# depends on the client. So the markers are replaced by their typographic doubles, which no parser knows: the
# title stays readable and cannot make anything bold. An underscore inside a word is never a marker and stays,
# so that `snake_case` can still be copied.
_SLACK_DOUBLES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "*": "\u2217",  # asterisk operator
    "_": "\u02cd",  # modifier letter low macron
    "~": "\u223c",  # tilde operator
    "`": "'",
}
_SLACK_SUSPECT = re.compile(r"[&<>*_~`]")
_SLACK_ACTIVE = re.compile(r"[&<>*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def slack(text: str) -> str:
    """For Slack's mrkdwn and plain_text objects and the message's `text`.

    Of what Slack interprets, only & < > can be escaped (api.slack.com/reference/surfaces/formatting); without
    < there is no mention, no channel and no date. At most five times as long as the input.
    """
    text = one_line(text)
    if _SLACK_SUSPECT.search(text) is None:
        return text
    return _SLACK_ACTIVE.sub(lambda match: _SLACK_DOUBLES[match[0]], text)


_MARKDOWN_SUSPECT = re.compile(r"[\\`*\[\]<>&~|$_@#]|://|www\.|GH-|\A[-+=\d]", re.IGNORECASE)
_MARKDOWN_ACTIVE = re.compile(
    r"(?P<mark>[\\`*\[\]<>&~|$]|\#(?!\d)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\A[-+=]|:(?=//))"
    r"|\A(?P<number>\d+)(?P<list>[.)])"  # "1." opens a list where a paragraph may begin
    r"|(?P<www>\bwww)\."  # GFM links it without a scheme
    r"|(?P<mention>@|\bGH-(?=\d))"
    r"|(?P<hash>\#)(?=\d)",
    re.IGNORECASE,
)


def markdown(text: str) -> str:
    """For CommonMark and GitHub's dialect of it, at any place inside a paragraph, heading, list item or link.

    What Markdown understands gets a backslash. `@name`, `#12` and `GH-12` get a zero-width space: GitHub looks for
    them after Markdown is done, where a backslash is gone already (github/cmark-gfm#389, #181).
    """
    text = one_line(text)
    if _MARKDOWN_SUSPECT.search(text) is None:
        return text
    return _MARKDOWN_ACTIVE.sub(_markdown_replacement, text)


def _markdown_replacement(match: re.Match[str]) -> str:
    if match["mark"]:
        return "\\" + match["mark"]
    if match["mention"]:
        return match["mention"] + _ZERO_WIDTH_SPACE
    if match["hash"]:
        return "\\" + match["hash"] + _ZERO_WIDTH_SPACE
    if match["www"]:
        return match["www"] + "\\."
    return f"{match['number']}\\{match['list']}"


_ORIGIN = r"(?P<origin>https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?)"
_URL_CHARACTERS = "/?#%&=+:,;._~@-"
# ASCII: without it, IGNORECASE takes the long s and the Kelvin sign for letters.
_ORDINARY_URL = re.compile(rf"{_ORIGIN}(?:[/?#][a-z0-9{_URL_CHARACTERS}]*)?", re.IGNORECASE | re.ASCII)
_ANY_URL = re.compile(rf"{_ORIGIN}(?P<rest>(?:[/?#]\S*)?)", re.IGNORECASE | re.ASCII)


def safe_url(text: str) -> SafeUrl | None:
    """The address if a reader may be sent there, else None: the text is then shown without a link.

    Only http and https; no user part (`https://github.com@evil.example`), no host in other scripts (look-alikes),
    no white space or control characters. Whatever could end a link in some format is percent-encoded.
    """
    if not text or len(text) > MAX_URL_LENGTH:
        return None
    if _ORDINARY_URL.fullmatch(text):
        return SafeUrl(text)
    match = _ANY_URL.fullmatch(text)
    if match is None or not text.isprintable():
        return None
    rest = quote(match["rest"], safe=_URL_CHARACTERS, errors="replace")
    encoded = match["origin"] + rest
    return SafeUrl(encoded) if len(encoded) <= MAX_URL_LENGTH else None


_INERT_LABEL = re.compile(r"[A-Za-z0-9/#@-](?:[A-Za-z0-9./#@-]*[A-Za-z0-9])?")


def link_label(text: str) -> str:
    """The text, as a LinkLabel if it needs no escaping inside a link: it then looks right in the source, too."""
    if len(text) <= MAX_TITLE_LENGTH and _INERT_LABEL.fullmatch(text):
        return LinkLabel(text)
    return text


def ampersand_escaped(url: SafeUrl) -> str:
    """A safe address inside HTML, Markdown or mrkdwn: of its characters only & means something there."""
    return url.replace("&", "&amp;")
