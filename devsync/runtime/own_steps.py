"""Finds the recovery steps that installed packages bring, for the worker that serves them."""

from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from devsync.recovery_steps import MARK
from devsync.settings.problems import ConfigError
from devsync.settings.recovery import OWN_STEPS


def load_own_steps() -> dict[str, list[Callable[..., Any]]]:
    """The steps by their services. Raises ConfigError for all that cannot be served: a plan may rely on them."""
    steps: dict[str, list[Callable[..., Any]]] = defaultdict(list)
    problems = []
    for point in sorted(set(entry_points(group=OWN_STEPS)), key=lambda point: (point.name, point.value)):
        step, problem = _load(point)
        if problem:
            package = point.dist.name if point.dist else point.value
            problems.append(f'the step "{point.name}" of the package {package} {problem}')
        elif step is not None:
            steps[point.name.partition(".")[0]].append(step)
    if problems:
        raise ConfigError(problems)
    return dict(steps)


def _load(point: EntryPoint) -> tuple[Callable[..., Any] | None, str]:
    """The step, or what is wrong with it."""
    try:
        step = point.load()
    except Exception as error:  # noqa: BLE001 (somebody else's module fails in any way)
        return None, f"cannot be loaded: {type(error).__name__}: {error}; mend or remove the package"
    name = getattr(step, MARK, None)
    if name is None:
        return None, f'is not marked; write @recovery_step("{point.name}") above {point.value}'
    if name != point.name:
        return None, f'is marked "{name}"; let its entry point have the same name'
    return step, ""
