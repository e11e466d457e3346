"""What people say to a running workflow: one JSON object, checked here, so that nothing they type can wedge it."""

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from temporalio.common import RawValue

M = TypeVar("M", bound=BaseModel)

_LONGEST = 160


class NotUnderstood(Exception):
    """What is wrong with it, in one clause for whoever sent it."""


def understood(said: RawValue, model: type[M]) -> M:
    """The message as its model. Raises NotUnderstood."""
    payload = said.payload
    encoding = payload.metadata.get("encoding", b"").decode(errors="replace")
    if encoding not in {"json/plain", "json/protobuf"}:
        raise NotUnderstood(f"it is {encoding or 'nothing'}, not a JSON object")
    try:
        found = json.loads(payload.data)
    except ValueError:
        raise NotUnderstood("it is not JSON") from None
    if not isinstance(found, dict):
        raise NotUnderstood(f'it is not a JSON object like {{"by": "anna"}} but {type(found).__name__}')
    try:
        return model.model_validate(found)
    except ValidationError as wrong:
        raise NotUnderstood(_told(wrong)) from None


def _told(wrong: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ').lower()}"
        for problem in wrong.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "; ".join(problems)[:_LONGEST]
