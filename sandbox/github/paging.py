"""GitHub's page numbers: `per_page`, `page` and the Link header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web

_DEFAULT_PER_PAGE = 30
_MAX_PER_PAGE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which page was asked for. What is no number, or out of range, is corrected silently, as GitHub does."""

    number: int
    size: int

    @classmethod
    def of(cls, request: web.Request) -> Page:
        size = _number(request.query.get("per_page"), _DEFAULT_PER_PAGE)
        return cls(number=_number(request.query.get("page"), 1), size=min(size, _MAX_PER_PAGE))

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        start = (self.number - 1) * self.size
        return items[start : start + self.size]

    def link_header(self, request: web.Request, base_url: str, total: int) -> str:
        """The Link header's value for `total` items in all; empty when one page holds them."""
        last = max(1, -(-total // self.size))
        targets: dict[str, int] = {}
        if self.number > 1:
            targets["prev"] = min(self.number - 1, last)
        if self.number < last:
            targets["next"] = self.number + 1
            targets["last"] = last
        if self.number > 1:
            targets["first"] = 1
        return ", ".join(
            f'<{base_url}{request.path}?{_query_for(request, number)}>; rel="{name}"'
            for name, number in targets.items()
        )


def _query_for(request: web.Request, page_number: int) -> str:
    pairs = [(name, value) for name, value in request.query.items() if name != "page"]
    return urlencode([*pairs, ("page", str(page_number))])


def _number(text: str | None, default: int) -> int:
    try:
        value = int(text or default)
    except ValueError:
        return default
    return value if value >= 1 else default
