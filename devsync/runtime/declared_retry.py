"""Brings `jitter: none` of a declared policy to the worker that computes the wait before the next attempt.

Temporal's retry policy has no word for it, so it travels in a header of the activity: as the plan recorded it, not as
the worker's own configuration says today.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.common import RetryPolicy
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from devsync.contracts.policies import Jitter
from devsync.runtime.activity_headers import said, saying

HEADER: Final = "devsync-jitter"


@dataclass
class DeclaredRetry(RetryPolicy):
    """Temporal's retry policy, and what it has no word for."""

    jitter: Jitter = Jitter.FULL


class RetryDeclared(Interceptor):
    def workflow_interceptor_class(
        self, _input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return saying(HEADER, _jitter)


def _jitter(input: StartActivityInput) -> str | None:  # noqa: A002 (the SDK's name)
    """The usual one needs no word."""
    policy = input.retry_policy
    return policy.jitter.value if isinstance(policy, DeclaredRetry) and policy.jitter is not Jitter.FULL else None


def jitter_of(headers: Mapping[str, Payload]) -> Jitter:
    """What the workflow declared for the activity with these headers; full jitter where it said nothing."""
    told = said(HEADER, headers)
    return Jitter(told) if told is not None else Jitter.FULL
