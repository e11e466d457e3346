"""What a server's refusal means for the namespace, said with the cure."""

import pytest
from temporalio.service import RPCError, RPCStatusCode

from devsync.runtime.connection import NamespaceUnusable, missing_namespace, namespace_problem


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (RPCStatusCode.NOT_FOUND, "or create it: temporal operator namespace create changelog"),
        (RPCStatusCode.PERMISSION_DENIED, "check TEMPORAL_API_KEY or the TLS certificate, TEMPORAL_NAMESPACE"),
        (RPCStatusCode.UNAUTHENTICATED, "check TEMPORAL_API_KEY or the TLS certificate, TEMPORAL_NAMESPACE"),
    ],
)
def test_a_namespace_that_cannot_be_used_is_named_with_its_cure(status: RPCStatusCode, cure: str) -> None:
    problem = namespace_problem(RPCError("Request unauthorized.", status, b""), "changelog")
    assert isinstance(problem, NamespaceUnusable)
    assert "namespace 'changelog'" in str(problem)
    assert cure in str(problem)


def test_any_other_refusal_stays_what_it_is() -> None:
    error = RPCError("try again", RPCStatusCode.UNAVAILABLE, b"")
    assert namespace_problem(error, "changelog") is error
    assert missing_namespace(error) == ""
