"""Makes texts fit to be written anywhere: without secrets (known ones, and what looks like one), and not too long.

Shapes: GitHub's token prefixes ("About authentication to GitHub"), Slack's ("Token types"), Atlassian's API tokens,
Standard Webhooks' secrets, JWTs, private keys in PEM, credentials in addresses, in headers and in quoted fields; and of
others, which people write into titles and notes: GitLab, AWS, npm, PyPI, private addresses of Google calendars.
"""

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

_SHORTEST_SECRET = 6
"""A shorter known secret would take ordinary words out of every text."""

_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----(?s:.*?)(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:gh[pousr]_|github_pat_)\w{10,}
    | \bxox[a-z](?:\.xox[a-z])?-[\w-]{8,}  |  \bxapp-[\w-]{8,}
    | \bATATT[\w=-]{10,}
    | \bwhs(?:ec|k)_[\w+/=-]{8,}
    | \bglpat-[\w-]{10,}  |  \b(?:AKIA|ASIA)[0-9A-Z]{16}\b  |  \bnpm_\w{30,}  |  \bpypi-[\w-]{30,}
    | \beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*
    | (?: (?<=hooks\.slack\.com/services/) | (?<=hooks\.slack\.com/workflows/)
        | (?<=hooks\.slack\.com/triggers/) )[\w/-]+
    | (?<=/private-)[0-9a-f]{16,}
    | (?<=://)[^\s/@"']+(?=@)
    | (?i: (?<=bearer[ ]) | (?<=basic[ ]) | (?<=authorization:[ ]token[ ]) )(?=[\w.+/~-]*[\d=])[\w.+/=~-]{8,}
    | (?i: (?<=api-key:[ ]) | (?<=private-token:[ ]) )[^\s"',;]+  |  (?i:(?<=cookie:[ ]))[^\r\n"']+
    | (?i: (?<=password":[ ]") | (?<=secret":[ ]") | (?<=token":[ ]") | (?<=api_key":[ ]")
         | (?<=password":") | (?<=secret":") | (?<=token":") | (?<=api_key":") )[^"]+
    | (?i:(?<=password=) | (?<=secret=) | (?<=token=) | (?<=api_key=) | (?<=apikey=) | (?<=pwd=) )[^\s&"',;]+
    """,
    re.VERBOSE,
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with `[redacted]` in the place of each of the `secrets`, and of whatever looks like one."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may be the beginning of another
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    return _SHAPES.sub(REDACTED, text)


MESSAGE_LIMIT_BYTES = 600
"""Of a failure's message. Temporal keeps 4 KB of a failure that is tried again, and ours holds its message twice."""


def bounded(text: str, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> str:
    """The text, cut to so many bytes in UTF-8 where it is longer, with `…` at its end then. Half a character, which no
    message can carry, becomes `?`."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit_bytes:
        return encoded.decode()
    return encoded[: limit_bytes - 3].decode(errors="ignore") + "…"
