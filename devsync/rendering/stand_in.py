"""The line by which a message says that its channel stands in for another one."""

import re
from html import escape
from typing import Any

from devsync.rendering import escape as escapes

_BODY = re.compile(r"<body\b[^>]*>")


def line(stands_in_for: str) -> str:
    """In plain words; empty where it stands in for none."""
    return f"This stands in for {stands_in_for}, which could not be reached in time." if stands_in_for else ""


def in_text(text: str, stands_in_for: str) -> str:
    """At the head of a plain text."""
    return f"{line(stands_in_for)}\n\n{text}" if stands_in_for else text


def in_html(page: str, stands_in_for: str) -> str:
    """At the head of a page."""
    if not stands_in_for:
        return page
    # By its class the mail gives it a colour for the dark (templates/html/head.css).
    style = "margin:0;padding:14px 18px 0;font:14px/1.5 sans-serif;color:#5b6570;text-align:center"
    said = f'<p class="dateline" style="{style}">{escape(line(stands_in_for))}</p>'
    body = _BODY.search(page)
    at = body.end() if body else 0
    return f"{page[:at]}\n{said}{page[at:]}"


def in_blocks(blocks: list[dict[str, Any]], stands_in_for: str) -> list[dict[str, Any]]:
    """Below the header of a Slack message."""
    if not stands_in_for:
        return blocks
    said = {"type": "context", "elements": [{"type": "mrkdwn", "text": escapes.slack(line(stands_in_for))}]}
    return [*blocks[:1], said, *blocks[1:]]
