"""What a command line says to a workflow: a message of its contract, or a word about the option that is wrong."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from commands.console import Exit, Told
from commands.person import me
from devsync.domain.model import Model
from devsync.settings.model_errors import first_of

M = TypeVar("M", bound=Model)


def by_me(kind: type[M], fields: Mapping[str, Any], options: Mapping[str, str] = {}) -> M:
    """The message, from whoever runs the command. `options`: what the command line calls those fields that are no
    option of their own name. Raises Told."""
    try:
        return kind.model_validate({"by": me(), **fields})
    except ValidationError as wrong:
        at, words = first_of(wrong, kind)
    field = str(at[0])
    raise Told(f"{options.get(field, f'--{field}')}: {words}", Exit.USAGE)
