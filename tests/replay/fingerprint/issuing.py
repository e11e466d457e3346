"""Which calls issue a command to the server, or decide whether one is issued."""

import asyncio
from typing import Any

from temporalio import workflow

ACTIVITIES: dict[Any, str] = {
    workflow.execute_activity: "activity",
    workflow.start_activity: "activity",
    workflow.execute_activity_method: "activity",
    workflow.start_activity_method: "activity",
    workflow.execute_activity_class: "activity",
    workflow.start_activity_class: "activity",
    workflow.execute_local_activity: "local activity",
    workflow.start_local_activity: "local activity",
    workflow.execute_local_activity_method: "local activity",
    workflow.start_local_activity_method: "local activity",
    workflow.execute_local_activity_class: "local activity",
    workflow.start_local_activity_class: "local activity",
}
"""The first argument, or `activity`, says which."""

CHILDREN = (workflow.execute_child_workflow, workflow.start_child_workflow)
"""The first argument, or `workflow`, says which; `id` is its id."""

TIMERS: dict[Any, tuple[int | None, str]] = {
    workflow.sleep: (0, "duration"),
    workflow.wait_condition: (None, "timeout"),
    asyncio.sleep: (0, "delay"),
    asyncio.wait_for: (1, "timeout"),
    asyncio.timeout: (0, "delay"),
    asyncio.timeout_at: (0, "when"),
}
"""Where the time stands: by position, by keyword. None and 0 take no timer."""

OTHERS: dict[Any, str] = {
    workflow.continue_as_new: "continue as new",
    workflow.upsert_search_attributes: "upsert search attributes",
    workflow.upsert_memo: "upsert memo",
    workflow.signal_with_start_workflow: "signal with start",
}

HANDLES = {"signal": "signal", "cancel": "cancel", "start_operation": "nexus", "execute_operation": "nexus"}
"""Methods of the handles of activities, children and other workflows; known by name, as only a run has the object."""


def issues_commands(callee: Any) -> bool:
    """Whether it is a function of the SDK or of asyncio that may issue one."""
    return _stands_in(callee, ACTIVITIES, CHILDREN, TIMERS, OTHERS, (workflow.patched, workflow.deprecate_patch))


def _stands_in(callee: Any, *tables: Any) -> bool:
    try:
        return any(callee in table for table in tables)
    except TypeError:  # not hashable, so none of them
        return False
