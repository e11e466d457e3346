"""Which failures are alike: the fingerprint of a failure, from its message without the values in it.

The kinds of values are the ones that error trackers leave out (Sentry's "parameterization"), and this product's own:
paths and repositories, JIRA keys, Slack's ids and channels, ISO weeks.
"""

import hashlib
import re

_WORD_START, _WORD_END = r"(?<![\w-])", r"(?![\w-])"

_VALUES: tuple[tuple[str, str], ...] = (
    # What contains others comes first: an address holds a host, a time holds numbers.
    ("url", r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>(),;]*[^\s\"'<>(),;:.]"),
    ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("quoted", r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`"),
    ("time", r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"),
    ("time", r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
    ("week", _WORD_START + r"\d{4}-W\d\d" + _WORD_END),
    ("trace", _WORD_START + r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}" + _WORD_END),
    ("uuid", _WORD_START + r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}" + _WORD_END),
    ("ip", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.])"),
    ("ip", r"(?<![\w:])(?=[0-9a-fA-F:]*[0-9a-fA-F])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?<!\w:)(?!\w|:\w)"),
    ("host", r"(?<![\w./-])(?:[a-z0-9-]+\.)+[a-z]{2,}:\d+(?!\w)|(?<![\w-])localhost(?::\d+)?"),
    ("path", r"(?<![\w<>])(?:/[\w.@~+-]+)+/?"),
    ("name", r"(?<![\w/.-])[\w.-]*\w(?:/[\w.-]*\w)+(?![\w/])"),
    ("channel", r"(?<!\w)#[a-z][\w-]*"),
    ("hex", _WORD_START + r"(?:0x[0-9a-fA-F]+|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,128})" + _WORD_END),
    ("key", _WORD_START + r"[A-Z][A-Z0-9_]+-\d+" + _WORD_END),
    ("id", _WORD_START + r"(?=[A-Z0-9]*\d)[A-Z][A-Z0-9]{8,}" + _WORD_END),
    ("duration", _WORD_START + r"\d+(?:\.\d+)?(?:d|h|m|s|ms|us)" + _WORD_END),
    ("n", r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?![\w])"),
)
_VALUE = re.compile("|".join(f"(?P<v{number}>{pattern})" for number, (_, pattern) in enumerate(_VALUES)))
_LONGEST = 1000


def parameterised(message: str, *, keep: str = "") -> str:
    """The message with `<kind>` in the place of each value; `keep` is a word that stays, such as a status.

    >>> parameterised('github answered 404 to "GET /repos/acme/ledger"', keep="404")
    'github answered 404 to <quoted>'
    """

    def kind(found: re.Match[str]) -> str:
        if keep and found[0] == keep:
            return keep
        return f"<{_VALUES[int(str(found.lastgroup)[1:])][0]}>"

    return " ".join(_VALUE.sub(kind, message[:_LONGEST]).split())


def fingerprint(category: str, service: str, operation: str, message: str, *, code: str = "") -> str:
    """16 hexadecimal digits, equal for alike failures, in every process and version that words them alike.

    A status or code (`code`) in the message is no value: a 500 and a 503 are not alike.
    """
    parts = (category, service, operation, parameterised(message, keep=code))
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()[:16]
