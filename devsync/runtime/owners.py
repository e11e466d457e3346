"""Brings the run that an activity is done for to the worker, whose records name it.

A recovery and a delivery work for the run that asked for them, and their ids do not tell which: a dry run, a re-run and
the edition of a week take the same ones in turn. So it travels in a header of the activity.
"""

from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from devsync.runtime.activity_headers import said, saying

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
        return saying(HEADER, _owner)


def _owner(_: StartActivityInput) -> str | None:
    """A run that was reset is the one that it was: its id on record stays."""
    running = workflow.instance()
    own = workflow.info()
    owner = (running.owner_run_id if isinstance(running, Owned) else "") or own.original_execution_run_id
    return owner if owner != own.run_id else None  # the worker knows it


def owner_of(headers: Mapping[str, Payload]) -> str | None:
    """The run that an activity with these headers is done for; None: the one that it belongs to."""
    return said(HEADER, headers)
