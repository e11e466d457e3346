"""What a contract check has looked at: the figures of its summary."""

from __future__ import annotations

from collections.abc import Iterable


class Coverage:
    """Counts of one oracle. `name` says which, with the version of what it holds against."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exchanges = 0
        self.operations: set[str] = set()
        self.request_fields: set[str] = set()
        self.answer_fields: set[str] = set()
        self.violations: list[str] = []

    def operation(self, name: str, request_fields: Iterable[str] = ()) -> None:
        """One exchange that kept the contract, and what its request said."""
        self.exchanges += 1
        self.operations.add(name)
        self.request_fields.update(f"{name} {field}" for field in request_fields)

    def fields(self, name: str, places: Iterable[str]) -> None:
        """Described places that an answer really had."""
        self.answer_fields.update(f"{name} {place}" for place in places)

    def violation(self, text: str) -> str:
        self.violations.append(text)
        return text

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.exchanges} exchanges, {len(self.operations)} operations by status, "
            f"{len(self.request_fields)} request fields, {len(self.answer_fields)} answer fields, "
            f"violations {len(self.violations)}"
        )
