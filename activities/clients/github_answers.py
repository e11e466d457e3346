"""GitHub's answers as they came, and what of them is an error: read the same by every call that we make there."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from github.Requester import Requester

from devsync.runtime.classification import MalformedAnswer

_NEXT = re.compile(r'<[^>]+>;\s*rel="next"')


class Answer(NamedTuple):
    """What PyGithub's `requestJson` gives; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def has_next(self) -> bool:
        return bool(_NEXT.search(self.headers.get("link", "")))

    def accepted(self) -> "Answer":
        """Itself. Raises PyGithub's exception for an error status."""
        if self.status >= 400:
            raise Requester.createException(self.status, dict(self.headers), _error_body(self))
        return self

    def json(self, operation: str) -> Any:
        """Raises MalformedAnswer for an empty body or one that is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError as error:
            what = "no valid JSON" if self.text else "an empty body"
            raise MalformedAnswer("github", operation, what) from error

    def field(self, name: str, kind: type[Any], operation: str) -> Any:
        """A field of the JSON object that the body is. Raises MalformedAnswer where it lacks or is of another kind."""
        body = self.json(operation)
        value = body.get(name) if isinstance(body, dict) else None
        if not isinstance(value, kind) or not value:
            raise MalformedAnswer("github", operation, f"no {name}")
        return value


def _error_body(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
