"""What the workflows' commands are, against what they were when the baseline was accepted."""

import ast
import inspect
import json
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import workflows
from tests.replay.fingerprint.frame import Frame, function_name, parsed
from tests.replay.fingerprint.issuing import issues_commands
from tests.replay.fingerprint.outline import Outline, essential, has_commands, lines, patches, without_patches
from tests.replay.fingerprint.reading import Reader
from workflows.registry import workflow_type

BASELINE = Path(__file__).with_name("baseline.json")

Fingerprint = dict[str, list[str]]
"""By handler of one workflow: its outline, a line a step."""


class Change(StrEnum):
    NEW = "new"
    VERSIONED = "versioned"
    """Behind workflow.patched(): a run without the marker finds its old commands."""
    UNVERSIONED = "unversioned"
    GONE = "gone"
    UNSEEN = "unseen"
    """A function that issues commands, and nothing shows which workflow calls it."""


@dataclass(frozen=True)
class Finding:
    """One difference, of one workflow or function."""

    name: str
    change: Change
    difference: tuple[str, ...] = ()


class Outlines:
    """The outlines of workflow classes as their source has them now."""

    def __init__(self, classes: Sequence[type]) -> None:
        self._by_type: dict[str, dict[str, Outline]] = {}
        self._seen: set[str] = set()
        for served in classes:
            reader = Reader(served)
            handlers = dict(reader.handlers())
            self._by_type[workflow_type(served)] = handlers
            self._seen |= reader.seen

    def fingerprints(self) -> dict[str, Fingerprint]:
        """By workflow type."""
        return {name: _fingerprint(handlers) for name, handlers in self._by_type.items()}

    def compare(self, baseline: dict[str, Fingerprint]) -> list[Finding]:
        """What differs, in the order of names; empty where nothing does."""
        now = self.fingerprints()
        found = [Finding(name, Change.GONE) for name in baseline.keys() - now.keys()]
        found += [Finding(name, Change.UNSEEN) for name in _functions_with_commands() if name not in self._seen]
        for name, fingerprint in now.items():
            before = baseline.get(name)
            if before is None:
                found.append(Finding(name, Change.NEW))
            elif fingerprint != before:
                is_versioned = self._without_new_patches(name, before) == before
                change = Change.VERSIONED if is_versioned else Change.UNVERSIONED
                found.append(Finding(name, change, tuple(_difference(before, fingerprint))))
        return sorted(found, key=lambda finding: finding.name)

    def _without_new_patches(self, name: str, before: Fingerprint) -> Fingerprint:
        """What a run does that has none of the patches that the baseline does not know."""
        handlers = self._by_type[name]
        told = {line.strip() for outline in before.values() for line in outline}
        new = {patch for outline in handlers.values() for patch in patches(outline) if f"patched {patch}" not in told}
        return _fingerprint({handler: without_patches(outline, new) for handler, outline in handlers.items()})


def read_baseline(path: Path = BASELINE) -> dict[str, Fingerprint]:
    """Empty where none was accepted yet."""
    if not path.exists():
        return {}
    baseline: dict[str, Fingerprint] = json.loads(path.read_text())
    return baseline


def write_baseline(fingerprints: dict[str, Fingerprint], path: Path = BASELINE) -> None:
    path.write_text(json.dumps(fingerprints, indent=1, sort_keys=True) + "\n")


def _fingerprint(handlers: dict[str, Outline]) -> Fingerprint:
    outlines = {handler: essential(outline) for handler, outline in handlers.items()}
    return {handler: lines(outline) for handler, outline in outlines.items() if has_commands(outline)}


def _difference(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    for handler in sorted(before.keys() | now.keys()):
        old, new = before.get(handler, []), now.get(handler, [])
        if old != new:
            yield f"{handler}:"
            yield from (
                line for line in unified_diff(old, new, lineterm="", n=2) if not line.startswith(("---", "+++"))
            )


def _functions_with_commands() -> Iterator[str]:
    """Functions and methods in workflows/ that call the SDK for a command themselves."""
    for found in pkgutil.walk_packages(workflows.__path__, "workflows."):
        for function in _functions(import_module(found.name)):
            frame = Frame(parsed(function), function.__globals__, object, (), set())
            calls = (node for node in ast.walk(frame.node) if isinstance(node, ast.Call))
            if any(issues_commands(frame.value(call.func)) for call in calls):
                yield function_name(function)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    for member in vars(module).values():
        if inspect.isclass(member) and member.__module__ == module.__name__:
            yield from (method for method in vars(member).values() if isinstance(method, FunctionType))
        elif isinstance(member, FunctionType) and member.__module__ == module.__name__:
            yield member
