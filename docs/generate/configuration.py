"""docs/reference/configuration.md, from the pydantic models of config/."""

import inspect
from typing import Any, get_type_hints

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from devsync.settings.dashboard import DashboardSettings
from devsync.settings.delivery import DeliverySettings
from devsync.settings.escalation import EscalationSettings
from devsync.settings.monitoring import MonitoringFile
from devsync.settings.records import RecordSettings
from devsync.settings.recovery import PlanPart
from devsync.settings.services import ServiceSettings
from devsync.settings.team import TeamConfig
from docs.generate import docstrings
from docs.generate.markdown import code, paragraph, table
from docs.generate.types import models_in, words

INTRODUCTION = """\
# Configuration

YAML files in `config/`, or in the folder that `CONFIG_DIR` names. `python starter.py config validate` checks all of
them at once and names file, line, field and cure of each mistake. Unknown keys are refused.

A duration is a whole number and a unit: `300ms`, `90s`, `15m`, `2h`, `6d`. A list that may be left out is empty then.

A running edition does not see a change: its plan was taken from the files when it began.
"""

FILES: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("teams/TEAM.yaml", "One file a team; [how to write one](../how-to/write-a-team-file.md).", TeamConfig),
    ("services.yaml", "A mapping of service to the fields below: `github`, `jira`, `slack`, `local`.", ServiceSettings),
    ("delivery.yaml", "When deliveries are tried again.", DeliverySettings),
    ("recovery.yaml", "A mapping of plan to the fields below; [what they mean](../explanation/recovery.md).", PlanPart),
    ("escalation.yaml", "Who is asked when machines cannot decide; frozen when one begins.", EscalationSettings),
    ("monitoring.yaml", "When people are told; [what each alert means](../how-to/act-on-an-alert.md).", MonitoringFile),
    ("dashboard.yaml", "The register of people; [open the door](../how-to/open-the-dashboard.md).", DashboardSettings),
    ("records.yaml", "How long records are kept; [what it does](../explanation/records.md#retention).", RecordSettings),
)


def page() -> str:
    return "\n".join([INTRODUCTION, *(_file(*file) for file in FILES)])


def _file(name: str, about: str, model: type[BaseModel]) -> str:
    parts = [f"## {name}\n", f"{about}\n", _fields(model)]
    shown: dict[type[BaseModel], str] = {}
    for path, inner in _inner_models(model):
        parts += [f"### {path}\n", f"{paragraph(inspect.getdoc(inner))}\n"]
        parts.append(f"As [{shown[inner]}](#{shown[inner]}).\n" if inner in shown else _fields(inner))
        shown.setdefault(inner, path)
    return "\n".join(parts)


def _inner_models(model: type[BaseModel], prefix: str = "") -> list[tuple[str, type[BaseModel]]]:
    """The models inside, each by the path that leads to it: `github`, `channels[] kind: slack`."""
    found: list[tuple[str, type[BaseModel]]] = []
    for name, hint in get_type_hints(model, include_extras=True).items():
        inside = models_in(hint) if name in model.model_fields else []
        is_list = words(hint).startswith("list of")
        is_mapping = words(hint).startswith("mapping of")
        for inner in inside:
            path = f"{prefix}{name}{'[]' if is_list else '.NAME' if is_mapping else ''}"
            if len(inside) > 1:
                path += f" kind: {inner.model_fields['kind'].default}"
            found += [(path, inner), *_inner_models(inner, f"{path}.")]
    return found


def _fields(model: type[BaseModel]) -> str:
    hints, texts = get_type_hints(model, include_extras=True), docstrings.of_fields(model)
    rows = [
        (
            code(field.alias or name),
            _type(hints[name]),
            _default(field, hints[name]),
            docstrings.needed(texts, name, model.__name__),
        )
        for name, field in model.model_fields.items()
    ]
    return table(("field", "type", "default", "meaning"), rows)


def _type(hint: Any) -> str:
    inside = models_in(hint)
    shown = words(hint)
    for model in inside:
        shown = shown.replace(model.__name__, "the fields below")
    return "list of the fields below" if len(inside) > 1 else shown


def _default(field: FieldInfo, hint: Any) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ((), {}) or isinstance(default, BaseModel):
        return ""
    written = yaml.safe_dump(TypeAdapter(hint).dump_python(default, mode="json"), default_flow_style=True, width=1000)
    return code(written.removesuffix("...\n").strip())
