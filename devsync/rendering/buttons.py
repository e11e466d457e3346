"""Offers and links as the buttons of a Slack message, within Block Kit's limits.

Limits: docs.slack.dev/reference/block-kit (25 elements a block; button text 75, value 2000; option value 150;
confirmation title 100, text 300, buttons 30).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from devsync.domain.answers import Offer
from devsync.rendering.escape import SafeUrl, slack
from devsync.rendering.slack_blocks import Block, shorten

MAX_LABEL: Final = 75
MAX_VALUE: Final = 2_000
MAX_OPTION: Final = 150
MAX_CONFIRM: Final = 300
ACTIONS: Final = "actions"
"""The type of the block."""
OPEN: Final = "open"
"""What the action ids of links begin with: they lead somewhere, and say nothing."""


def buttons(offers: Sequence[Offer], links: Sequence[tuple[str, SafeUrl]] = ()) -> Iterator[Block]:
    """One block; none where there is nothing to press."""
    elements = [*_offered(offers), *(_link(number, *link) for number, link in enumerate(links, 1))]
    if elements:
        yield {"type": ACTIONS, "elements": elements[:25]}


def without_buttons(blocks: Sequence[Block]) -> list[Block]:
    """Where nobody hears what is pressed."""
    return [block for block in blocks if block["type"] != ACTIONS]


def _offered(offers: Sequence[Offer]) -> Iterator[Block]:
    for menu, together in groupby(offers, lambda offer: offer.menu):
        if menu:
            yield from _menu(menu, list(together))
        else:
            yield from (_button(offer) for offer in together if len(offer.answer.to_text()) <= MAX_VALUE)


def _button(offer: Offer) -> Block:
    button: Block = {
        "type": "button",
        "action_id": offer.answer.says,
        "text": _plain(offer.label),
        "value": offer.answer.to_text(),
    }
    if offer.style != "plain":
        button["style"] = offer.style
    if offer.confirm:
        button["confirm"] = _confirm(offer)
    return button


def _confirm(offer: Offer) -> Block:
    said = f"{offer.confirm[:1].upper()}{offer.confirm[1:].removesuffix('.')}."
    confirm: Block = {
        "title": _plain(f"{offer.label}?"),
        "text": _plain(said, MAX_CONFIRM),
        "confirm": _plain(offer.label, 30),
        "deny": _plain("Cancel"),
    }
    return confirm | ({"style": "danger"} if offer.style == "danger" else {})


def _menu(label: str, offers: Sequence[Offer]) -> Iterator[Block]:
    """Left out where an id is so long that Slack would not take it as an option: the other ways stay."""
    options: list[Any] = [
        {"text": _plain(offer.label), "value": text}
        for offer in offers
        if len(text := offer.answer.to_text()) <= MAX_OPTION
    ]
    if options:
        yield {
            "type": "static_select",
            "action_id": offers[0].answer.deed.value,
            "placeholder": _plain(label),
            "options": options,
        }


def _link(number: int, label: str, url: SafeUrl) -> Block:
    return {"type": "button", "action_id": f"{OPEN}:{number}", "text": _plain(label), "url": url}


def _plain(text: str, limit: int = MAX_LABEL) -> Block:
    return {"type": "plain_text", "text": shorten(slack(text), limit)}
