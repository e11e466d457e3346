"""A word that travels with an activity, from the workflow that starts it to the worker that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter
from temporalio.worker import StartActivityInput, WorkflowInboundInterceptor, WorkflowOutboundInterceptor


def saying(header: str, word_for: Callable[[StartActivityInput], str | None]) -> type[WorkflowInboundInterceptor]:
    """For `Interceptor.workflow_interceptor_class`. No word, no header: every header is in every history."""

    class Outbound(WorkflowOutboundInterceptor):
        def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 (the SDK's)
            word = word_for(input)
            if word is not None:
                told = workflow.payload_converter().to_payload(word)
                input = replace(input, headers={**input.headers, header: told})  # noqa: A001
            return super().start_activity(input)

    class Inbound(WorkflowInboundInterceptor):
        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            super().init(Outbound(outbound))

    return Inbound


def said(header: str, headers: Mapping[str, Payload]) -> str | None:
    """To the activity that has these headers; None where nothing was."""
    told = headers.get(header)
    return PayloadConverter.default.from_payload(told, str) if told is not None else None
