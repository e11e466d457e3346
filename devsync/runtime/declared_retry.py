"""Brings `jitter: none` of a declared policy to the worker that computes the wait before the next attempt.

Temporal's retry policy has no word for it, so it travels in a header of the activity: as the plan recorded it, not as
the worker's own configuration says today.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RetryPolicy
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from devsync.contracts.policies import Jitter

HEADER: Final = "devsync-jitter"


@dataclass
class DeclaredRetry(RetryPolicy):
    """Temporal's retry policy, and what it has no word for."""

    jitter: Jitter = Jitter.FULL


class RetryDeclared(Interceptor):
    def workflow_interceptor_class(
        self, _input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 (the SDK's name)
        policy = input.retry_policy
        # The usual case needs no word, and no room in every history.
        if isinstance(policy, DeclaredRetry) and policy.jitter is not Jitter.FULL:
            told = workflow.payload_converter().to_payload(policy.jitter.value)
            input = replace(input, headers={**input.headers, HEADER: told})  # noqa: A001
        return super().start_activity(input)


def jitter_of(headers: Mapping[str, Payload]) -> Jitter:
    """What the workflow declared for the activity with these headers; full jitter where it said nothing."""
    told = headers.get(HEADER)
    return Jitter(PayloadConverter.default.from_payload(told, str)) if told is not None else Jitter.FULL
