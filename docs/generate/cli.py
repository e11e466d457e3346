"""docs/reference/cli.md, from the typer application."""

from enum import Enum
from typing import Any

import typer

from commands.console import Exit
from docs.generate import docstrings
from docs.generate.markdown import code, paragraph, table
from docs.generate.types import words
from starter import app

INTRODUCTION = """\
# Command line

`python starter.py COMMAND`, from the checkout with its environment active (`. .venv/bin/activate`).

- Results go to standard output; progress and errors go to standard error.
- With `--json`, standard output is one JSON document and nothing else; an error is the document `{"error": "…"}`.
  [The documents](documents.md).
- Whatever is named and is not there ends with exit code 2, whichever command is asked. `--team` also takes a team that
  has no file any more, or never had one, and is on record: a note says so.
- Settings come from the [environment](environment.md) and from the [configuration](configuration.md).
"""


def page() -> str:
    exits = docstrings.of_fields(Exit)
    codes = [(str(member.value), docstrings.needed(exits, member.name, "Exit")) for member in Exit]
    sections = [_section(name, command) for name, command in commands().items()]
    return "\n".join([INTRODUCTION, "## Exit codes\n", table(("code", "meaning"), codes), *sections])


def commands() -> dict[str, Any]:
    """Each command by the words that call it: `run`, `db upgrade`."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {word}": one for word, one in inner.items()} if inner else {name: command}
    return found


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join(["python starter.py", name, *map(_metavar, arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"## {name}\n", f"{paragraph(command.help)}\n", f"```\n{usage}\n```\n"]
    rows = [(code(_metavar(one)), _type(one), "", one.help or "") for one in arguments]
    rows += [(_flags(one), _type(one), _default(one), one.help or "") for one in options]
    if rows:
        parts.append(table(("", "type", "default", "meaning"), rows))
    return "\n".join(parts)


def _metavar(argument: Any) -> str:
    return str(argument.name).upper().removesuffix("S") + ("…" if argument.nargs == -1 else "")


def _flags(option: Any) -> str:
    return ", ".join(map(code, (*option.opts, *option.secondary_opts)))


def _type(parameter: Any) -> str:
    if getattr(parameter, "is_bool_flag", False):
        return "flag"
    return words(parameter.type_descriptor.annotation).replace("folder", "path")


def _default(option: Any) -> str:
    default = option.default
    if option.required:
        return "required"
    if default in (None, False, ""):
        return ""
    return code(str(default.value if isinstance(default, Enum) else default))
