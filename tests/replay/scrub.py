"""Makes a recorded history fit to be committed: nobody's machine, process or secret is in it.

What names the recorder (identities, build hashes, stack traces) is replaced, since no replay reads it. What is left
is searched, payloads decoded: a history in which something is found must not be kept.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

REPLACED = {"identity": "recorder", "stackTrace": "", "buildId": "recorded", "binaryChecksum": "recorded"}
"""By field of the history's JSON."""

_SUSPICIOUS = {
    "the identity of a process": re.compile(r"\b\d+@[\w.-]+"),
    "a path of a machine": re.compile(r"(?<![\w.])/(?:home|root|tmp|var|usr|opt|work|Users|private)/\w"),
    "a token": re.compile(r"\b(?:xox[abpr]-|gh[pousr]_|github_pat_|glpat-|AKIA|eyJhbGci)[\w-]+"),
    "a private key": re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
    "a password in an address": re.compile(r"\w://[^/\s:@\"]+:[^/\s@\"]+@"),
}

_HOST = re.compile(r"\b[\w.-]+(?=:\d+:[0-9a-f]{8}\b)")


def scrubbed(history: dict[str, Any]) -> dict[str, Any]:
    """A copy of a history (as `WorkflowHistory.to_json_dict` gives it) without what names its recorder."""
    identities = {str(value) for key, value in _fields(history) if key == "identity"}
    cleaned: dict[str, Any] = _replaced(history, identities - {""})
    return cleaned


def leaks(history: dict[str, Any], secrets: Iterable[str] = ()) -> list[str]:
    """What should not be published, as "what: where it stands"; `secrets` are words that must not occur at all."""
    found = []
    words = [secret for secret in secrets if secret]
    for text in _texts(history):
        found += [f"{what}: {match.group()}" for what, known in _SUSPICIOUS.items() if (match := known.search(text))]
        found += [f"a secret of the recorder, in {text[:60]!r}" for word in words if word in text]
    return sorted(set(found))


def _replaced(node: Any, identities: set[str]) -> Any:
    if isinstance(node, dict):
        return {
            key: REPLACED[key]
            if key in REPLACED and isinstance(value, str)
            else _without_hosts(value)
            if key == "data" and isinstance(value, str)
            else _replaced(value, identities)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_replaced(value, identities) for value in node]
    if isinstance(node, str) and any(node.startswith(f"{identity}-") for identity in identities):
        return "recorder-sticky"  # a sticky task queue is named after its worker
    return node


def _without_hosts(data: str) -> str:
    """A payload in which reporters, `host:pid:random`, are told apart without their hosts."""
    text = base64.b64decode(data).decode(errors="surrogateescape")
    cleaned = _HOST.sub("recorder", text)
    return data if cleaned == text else base64.b64encode(cleaned.encode(errors="surrogateescape")).decode()


def _fields(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from _fields(value)


def _texts(node: Any) -> Iterator[str]:
    """Every text of the history, payloads decoded."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from (_decoded(value) if key == "data" and isinstance(value, str) else _texts(value))
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def _decoded(data: str) -> Iterator[str]:
    try:
        yield base64.b64decode(data, validate=True).decode(errors="replace")
    except binascii.Error:
        yield data
