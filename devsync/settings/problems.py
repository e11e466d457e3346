"""What is wrong with a configuration, said so that its writer can mend it: where, what, and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from pydantic_core import PydanticCustomError


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds one complete sentence each, all that were found.

    A problem of a file reads `path:line: field.path: what is wrong; what to write`. No problem quotes a secret.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def problem_at(message: str, *at: str | int) -> PydanticCustomError:
    """What a validator raises to point below its own value: at an item of a list, at a field of a model."""
    return PydanticCustomError("config", "{message}", {"message": message, "at": at})


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str) -> str:
    """The cure for a misspelt name: the nearest known one, or `otherwise` where none is near."""
    names = {name.casefold(): name for name in known}
    nearest = difflib.get_close_matches(wrong.casefold(), names, n=1, cutoff=0.6)
    return f'did you mean "{names[nearest[0]]}"?' if nearest else otherwise


def any_of(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def refuse_repeated(values: Sequence[str | int]) -> None:
    """Raises at the first value that the list already has; letter case makes no difference."""
    seen = set()
    for index, value in enumerate(values):
        folded = str(value).casefold()
        if folded in seen:
            raise problem_at(f'"{value}" is listed twice; remove one', index)
        seen.add(folded)
