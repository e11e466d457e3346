"""An edition for programs: the data of a webhook's event, small enough for every receiver."""

from typing import Any

from pydantic_core import to_json

from devsync.domain.changelog.edition import Edition

MAX_BYTES = 19_000
"""Standard Webhooks asks for less than 20 kB in all; the envelope and a line of its own take the rest."""

_COUNTS = ("team", "iso_week", "window", "completeness")


def render_webhook(edition: Edition, revision: int) -> str:
    """The edition as JSON in one line, ASCII only; beyond `MAX_BYTES` its numbers and first items, with a note.

    A receiver that wants all of a large edition reads `omitted_items` and asks where the team reads it, too.
    """
    told = _numbers(edition, revision) | {
        "items": [item.model_dump(mode="json") for item in edition.items],
        "releases": [release.model_dump(mode="json") for release in edition.releases],
        "contributors": [person.model_dump(mode="json") for person in edition.contributors],
        "gaps": [gap.model_dump(mode="json") for gap in edition.gaps],
        "highlights": list(edition.highlights),
    }
    whole = _written(told)
    return whole if len(whole) <= MAX_BYTES else _summary(edition, revision)


def _summary(edition: Edition, revision: int) -> str:
    """As many highlights, then gaps, as there is room for; an item in its four most telling fields."""
    by_id = {item.id: item for item in edition.items}
    chosen = [by_id[one] for one in edition.highlights if one in by_id]
    items = [{"id": item.id, "section": item.section.value, "title": item.title, "url": item.url} for item in chosen]
    gaps = [{"unit": gap.unit, "category": gap.category} for gap in edition.gaps]
    told = _numbers(edition, revision) | {"items": list[Any](), "gaps": list[Any]()}
    for name, entries in (("items", items), ("gaps", gaps)):
        for entry in entries:
            told[name].append(entry)
            if len(_written(told)) > MAX_BYTES - _NOTE_BYTES:
                told[name].pop()
                break
    told["omitted_items"] = edition.item_count - len(told["items"])
    told["note"] = (
        "The edition is too large for a webhook: these are its highlights. The team's channels have all of it."
    )
    return _written(told)


_NOTE_BYTES = 300


def _numbers(edition: Edition, revision: int) -> dict[str, Any]:
    return {name: edition.model_dump(mode="json", include=set(_COUNTS))[name] for name in _COUNTS} | {
        "revision": revision,
        "is_partial": edition.is_partial,
        "item_count": edition.item_count,
        "unclassified_ratio": edition.unclassified_ratio,
    }


def _written(told: dict[str, Any]) -> str:
    return to_json(dict(sorted(told.items())), ensure_ascii=True).decode()
