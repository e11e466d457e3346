"""docs/reference/workflows.md: what a Temporal namespace of ours holds, from workflows, activities and contracts."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel
from temporalio import activity, workflow

import activities
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.activities import ActivityContract
from devsync.contracts.policies import OperationPolicy
from devsync.runtime.policies import BOOTSTRAP, ENTITY
from devsync.settings.configuration import load_configuration
from devsync.settings.durations import format_duration
from docs.generate import docstrings
from docs.generate.markdown import code, paragraph, table
from docs.generate.types import models_in, words
from workflows.registry import SERVED, WORKFLOWS, workflow_type

INTRODUCTION = """\
# Workflows

What an operator meets in the Temporal Web UI and at the `temporal` command line; the [runbook](../runbook.md) has the
commands. All names stand in `devsync/contracts/names.py`; changing one breaks runs that are under way.
"""

ACTIVITIES = """\
Each runs on the task queue `service.NAME` of its service. The limits are those of the shipped `config/services.yaml`;
an edition's deadline bounds them further.
"""

TEAM, WEEK, CHANNEL = "{team}", "{iso_week}", "{channel}"

IDS: Mapping[str, str] = {
    names.WEEKLY_CHANGELOG: f"{code(names.edition_id(TEAM, WEEK))}; {code(names.preview_id(TEAM, WEEK))} for a dry run",
    names.DELIVERY: code(names.delivery_id(TEAM, WEEK, CHANNEL)),
    names.EDITION_TRIGGER: f"{code(names.due_id(TEAM))} and the time that the schedule adds",
    names.AMENDMENT: code(names.amendment_id(TEAM, WEEK)),
    names.RECOVERY: f"{code(names.recovery_id(TEAM, WEEK, '{service}', '{phase}', 1))}, and so on; "
    f"{code(names.program_recovery_id('{name}', '{uuid}'))} where another program asks",
    names.SOURCE_REFRESH: f"{code(names.refresh_id(TEAM))} and the time that the schedule adds",
    names.RECORD_KEEPING: f"{code(names.RECORDS_ID)} and the time that the schedule adds",
    names.HEALTH_MONITOR: code(names.MONITOR_ID),
    names.CIRCUIT_BREAKER: code(names.breaker_id("{service}")),
    names.ESCALATION: f"{code(names.service_escalation_id('{service}'))} for a cause that many share; "
    f"{code(names.own_escalation_id('{workflow id}'))} for one workflow's own",
}

CONFIG = Path(__file__).parents[2] / "config"


def page() -> str:
    constants = docstrings.of_constants(names)
    queues = [
        (code(names.EDITIONS_QUEUE), docstrings.needed(constants, "EDITIONS_QUEUE", "names")),
        (code(names.CONTROL_QUEUE), docstrings.needed(constants, "CONTROL_QUEUE", "names")),
        (code(names.service_queue("NAME")), f"Activities of one service: {', '.join(map(code, names.WITH_QUEUE))}."),
    ]
    kinds = sorted(WORKFLOWS, key=lambda kind: list(IDS).index(workflow_type(kind)))
    return "\n".join(
        [
            INTRODUCTION,
            *(_workflow(kind, queue) for kind in kinds for queue, served in SERVED.items() if kind in served),
            "## Answers of queries\n",
            *_answers(WORKFLOWS),
            "## Task queues\n",
            table(("queue", "runs"), queues),
            "## Activities\n",
            ACTIVITIES,
            table(("activity", "does", "one attempt", "all attempts", "heartbeat"), _activities()),
        ]
    )


def _workflow(kind: type, queue: str) -> str:
    definition = _definition(kind)
    name = workflow_type(kind)
    request = next(iter(get_type_hints(kind.run).values()))  # type: ignore[attr-defined]
    result = get_type_hints(kind.run)["return"]  # type: ignore[attr-defined]
    handlers: list[tuple[str, Any]] = [
        *(("query", one) for one in definition.queries.values()),
        *(("signal", one) for one in definition.signals.values()),
        *(("update", one) for one in definition.updates.values()),
    ]
    # What takes any other message has no name, and stands last.
    handlers.sort(key=lambda handler: (handler[0], handler[1].name is None, handler[1].name))
    messages = [
        (message, code(one.name) if one.name else "any other", _arguments(one), one.description or "")
        for message, one in handlers
    ]
    return "\n".join(
        [
            f"## {name}\n",
            f"{paragraph(inspect.getdoc(kind))}\n",
            f"- Id: {IDS[name]}\n- Task queue: {code(queue)}",
            f"- Input: {code(request.__name__)}; result: {_result(result)}\n",
            table(("", "name", "takes or answers", "meaning"), messages) if messages else "It takes no messages.\n",
        ]
    )


def _result(result: Any) -> str:
    return "none, it has no end" if result is type(None) else code(result.__name__)


def _answers(kinds: Sequence[type]) -> Iterator[str]:
    """The fields of what queries answer, and of the models inside, each once."""
    queries = [query for kind in kinds for query in _definition(kind).queries.values()]
    waiting = [model for query in queries for model in models_in(query.ret_type)]
    shown: set[type[BaseModel]] = set()
    while waiting:
        model = waiting.pop(0)
        if model not in shown:
            shown.add(model)
            waiting += [inner for hint in _hints(model).values() for inner in models_in(hint)]
            yield f"### {model.__name__}\n\n{paragraph(inspect.getdoc(model))}\n\n{_fields(model)}"


def _arguments(handler: Any) -> str:
    if handler.name is None:
        return ""
    if hasattr(handler, "ret_type") and handler.ret_type is not None:
        return code(handler.ret_type.__name__)
    return ", ".join(code(kind.__name__) for kind in handler.arg_types or ())


def _fields(model: type[BaseModel]) -> str:
    hints, texts = _hints(model), docstrings.of_fields(model)
    rows = [(code(name), words(hint), texts.get(name, "")) for name, hint in hints.items()]
    return table(("field", "type", "meaning"), rows)


def _hints(model: type[BaseModel]) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}


def _activities() -> Iterator[tuple[str, ...]]:
    services = load_configuration(CONFIG).services
    implementations = {str(_activity_name(function)): function for function in _activity_functions()}
    for contract in vars(contracts).values():
        if contract is contracts.PROGRAM_STEP:
            by_program = "A step that another program does itself, on a queue of its own: the Python API."
            yield code(contracts.PROGRAM_STEP.name), by_program, "by the plan that has it as a step", "", ""
        elif isinstance(contract, ActivityContract):
            does = paragraph(inspect.getdoc(implementations[contract.name]))
            if not does:
                raise docstrings.Undocumented(f"the activity {contract.name} has no docstring")
            by_plan = "by the plan that has it as a step"
            if contract in contracts.RECOVERY_STEPS and contract not in contracts.DECLARED:
                yield code(contract.name), does, by_plan, "", ""
                continue
            policy = (BOOTSTRAP | ENTITY).get(contract.name) or services.policy(contract.service, contract.operation)
            one, of_all, heartbeat = _limits(contract, policy)
            if contract in contracts.COLLECTED_AGAIN:
                one = f"{one} in an amendment; else {by_plan}"
            yield code(contract.name), does, one, of_all, heartbeat


def _limits(contract: ActivityContract[Any, Any], policy: OperationPolicy) -> tuple[str, str, str]:
    attempts = 1 if contract.is_tried_once else policy.retry.attempts
    bound = [_duration(policy.schedule_to_close)] + ([f"{attempts} at most"] if attempts else [])
    return _duration(policy.start_to_close), ", ".join(filter(None, bound)), _duration(policy.heartbeat)


def _duration(duration: timedelta | None) -> str:
    return code(format_duration(duration)) if duration else ""


def _definition(kind: type) -> "workflow._Definition":
    # The SDK has no public way to ask.
    return workflow._Definition.must_from_class(kind)


def _activity_functions() -> Iterator[Any]:
    for module in _modules(activities):
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield from (one for one in vars(value).values() if callable(one) and _activity_name(one))


def _activity_name(function: Any) -> str | None:
    definition = activity._Definition.from_callable(function)
    return definition.name if definition is not None else None


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)
