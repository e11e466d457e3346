"""Keeps a mistyped signal from wedging a workflow: checks the number of arguments before the handler runs.

The SDK calls a handler with as many arguments as the sender gave; one too many or too few raises TypeError
inside the workflow task, which is then retried for ever. Here such a signal goes to the workflow's dynamic signal
handler instead, which records it as refused.
"""

import inspect
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class MessageGuard(Interceptor):
    def workflow_interceptor_class(
        self, _input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _SignalArity


class _SignalArity(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002 (the SDK's name)
        handler = workflow.get_signal_handler(input.signal)
        if handler is None or _accepts(handler, len(input.args)):
            await super().handle_signal(input)
            return
        refuse = workflow.get_dynamic_signal_handler()
        if refuse is None:
            workflow.logger.warning("refused signal %s: wrong number of arguments", input.signal)
            return
        result = refuse(input.signal, ())
        if inspect.isawaitable(result):
            await result


def _accepts(handler: Callable[..., Any], count: int) -> bool:
    method, bound = _method_of(handler)
    try:
        inspect.signature(method).bind(*range(bound + count))
    except TypeError:
        return False
    return True


def _method_of(handler: Callable[..., Any]) -> tuple[Callable[..., Any], int]:
    """Whose signature counts, and how many of its arguments are bound already. An async method comes from the SDK in a
    wrapper that takes anything; the method stands in its closure."""
    if inspect.iscoroutinefunction(handler):
        wrapped = inspect.getclosurevars(handler).nonlocals
        if {"fn", "obj"} <= wrapped.keys():
            return wrapped["fn"], 1
    return handler, 0
