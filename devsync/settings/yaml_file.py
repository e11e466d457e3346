"""A YAML file as a typed model, where every mistake is told with its file, line, field and cure."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from devsync.settings.model_errors import describe
from devsync.settings.problems import ConfigError

M = TypeVar("M", bound=BaseModel)

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True)
class YamlFile(Generic[M]):
    """A file that was read and is valid. It still knows its lines, for rules that span several files."""

    path: Path
    model: M
    root: yaml.Node

    def problem(self, message: str, *at: str | int) -> str:
        """`message` behind the file, the line and the field that `at` leads to."""
        return _problem(self.path, self.root, at, message)


def read_yaml(path: Path, model: type[M]) -> YamlFile[M]:
    """The file as `model`; keys that the model does not know are refused.

    It is opened each time and understood anew only when its bytes have changed: every edition reads its files, and
    the monitor those of all teams.

    Raises ConfigError with every problem of the file; `path` stands in them as it is given. Raises OSError where this
    process has no files or memory left.
    """
    content = _content(path)
    known = _UNDERSTOOD.get((path, model))
    if known is None or known[0] != content:
        known = _UNDERSTOOD[path, model] = content, _understood(path, content, model)
    return known[1]


_UNDERSTOOD: dict[tuple[Path, type[BaseModel]], tuple[bytes, YamlFile[Any]]] = {}
"""The valid files by the last content that was read; what is wrong with a file is worked out each time."""


def _understood(path: Path, content: bytes, model: type[M]) -> YamlFile[M]:
    root = _compose(path, content)
    value = _values(path, root)
    try:
        # Messages ignore unknown keys (domain/model.py), but in a file an unknown key is a slip of the pen.
        return YamlFile(path, model.model_validate(value, extra="forbid"), root)
    except ValidationError as invalid:
        found = [describe(error, model) for error in invalid.errors(include_url=False) if not _follows(error)]
    found.sort(key=lambda problem: _line(root, problem[0]))
    raise ConfigError(_problem(path, root, at, message) for at, message in found)


class _Loader(yaml.SafeLoader):
    """Reads the scalars of YAML 1.2, which are fewer: in 1.1 `10:00` is the number 600 and `no` is false."""

    yaml_implicit_resolvers = {}  # filled below, through PyYAML's own method

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            # A few aliases inside aliases expand to gigabytes, and a reader of the file sees the value nowhere.
            alias = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="an alias (*) is not supported; write the value out", problem_mark=alias.start_mark
            )
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("int", r"[-+]?[0-9]{1,18}$", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+$", "-+0123456789"),
    ("bool", r"(?:true|True|false|False)$", "tTfF"),
    ("null", r"(?:~|null)?$", ["~", "n", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


_NOT_THE_FILES_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Nobody mends these in the file, and they pass: an edition must not be given up for them."""


def _follows(error: ErrorDetails) -> bool:
    """Whether an error only follows from others: a list whose every entry is wrong counts as empty, too."""
    return error["type"] == "too_short" and bool(error["input"])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: does not exist; create it"]) from None
    except OSError as unreadable:
        if unreadable.errno in _NOT_THE_FILES_FAULT:
            raise
        raise ConfigError([f"{path}: cannot be read ({unreadable.strerror}); make it a readable file"]) from None


def _compose(path: Path, content: bytes) -> yaml.Node:
    try:
        root = yaml.compose(content, Loader=_Loader)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}"
        what = ", ".join(part for part in (wrong.context, wrong.problem) if part)
        raise ConfigError([f"{where}: is not YAML: {what}"]) from None
    except (yaml.reader.ReaderError, UnicodeDecodeError) as wrong:
        raise ConfigError([f"{path}: is not text in UTF-8 ({wrong.reason}); save it as UTF-8"]) from None
    if root is None:
        raise ConfigError([f"{path}:1: is empty; fill it in"])
    return root


def _values(path: Path, root: yaml.Node) -> Value:
    """The plain values below `root`; raises ConfigError for keys given twice, keys that are no text, and tags."""
    problems: list[str] = []

    def refuse(node: yaml.Node, at: tuple[str | int, ...], message: str) -> None:
        problems.append(_sentence(path, node.start_mark.line + 1, at, message))

    def value_of(node: yaml.Node, at: tuple[str | int, ...]) -> Value:
        if isinstance(node, yaml.SequenceNode):
            return [value_of(item, (*at, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Value] = {}
            for key_node, child in node.value:
                if not isinstance(key_node, yaml.ScalarNode):
                    refuse(key_node, at, "a key must be a text; write `key: value`")
                    continue
                # A key is always text: `404: x` and `true: x` mean the words.
                key = key_node.value
                if key in mapping:
                    refuse(key_node, (*at, key), "is given twice; remove one")
                mapping[key] = value_of(child, (*at, key))
            return mapping
        return scalar_of(node, at)

    def scalar_of(node: yaml.Node, at: tuple[str | int, ...]) -> Value:
        text = str(node.value)
        match node.tag:
            case "tag:yaml.org,2002:str":
                return text
            case "tag:yaml.org,2002:int":
                return int(text)
            case "tag:yaml.org,2002:float":
                return float(text)
            case "tag:yaml.org,2002:bool":
                return text.casefold() == "true"
            case "tag:yaml.org,2002:null":
                return None
        refuse(node, at, f"the tag {node.tag} is not supported; write the plain value")
        return None

    value = value_of(root, ())
    if problems:
        raise ConfigError(problems)
    return value


def _problem(path: Path, root: yaml.Node, at: tuple[str | int, ...], message: str) -> str:
    return _sentence(path, _line(root, at), at, message)


def _sentence(path: Path, line: int, at: tuple[str | int, ...], message: str) -> str:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")
    return ": ".join(part for part in (f"{path}:{line}", field, message) if part)


def _line(root: yaml.Node, at: tuple[str | int, ...]) -> int:
    """The line of the key or list item that `at` leads to; of the nearest one above it where it is not there."""
    node, line = root, root.start_mark.line
    for part in at:
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, child) for key, child in node.value if key.value == part), None)
            if entry is None:
                break
            line, node = entry[0].start_mark.line, entry[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1
