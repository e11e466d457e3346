"""Brings the run that an activity is done for to the worker, whose records name it.

A recovery and a delivery work for the run that asked for them, and their ids do not tell which: a dry run, a re-run and
the edition of a week take the same ones in turn. So it travels in a header of the activity.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol, runtime_checkable

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

HEADER: Final = "devsync-owner"


@runtime_checkable
class Owned(Protocol):
    """A workflow that works for another one's run."""

    @property
    def owner_run_id(self) -> str:
        """`original_execution_run_id` of that run; empty where it works for none."""


class OwnersTold(Interceptor):
    def workflow_interceptor_class(
        self, _input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 (the SDK's name)
        owner = _owner()
        # Of a run that works for itself the worker knows the id, and no history needs room for it.
        if owner != workflow.info().run_id:
            told = workflow.payload_converter().to_payload(owner)
            input = replace(input, headers={**input.headers, HEADER: told})  # noqa: A001
        return super().start_activity(input)


def _owner() -> str:
    """A run that was reset is the one that it was: its id on record stays."""
    running = workflow.instance()
    own = workflow.info().original_execution_run_id
    return (running.owner_run_id if isinstance(running, Owned) else "") or own


def owner_of(headers: Mapping[str, Payload]) -> str | None:
    """The run that an activity with these headers is done for; None: the one that it belongs to."""
    told = headers.get(HEADER)
    return PayloadConverter.default.from_payload(told, str) if told is not None else None
