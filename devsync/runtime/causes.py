"""What a run failed of, in words for people."""

from temporalio.exceptions import FailureError


def root_cause(error: BaseException) -> str:
    """The innermost message of ours: what happened and the cure."""
    message = str(error)
    cause = error.__cause__ or getattr(error, "cause", None)
    while cause is not None:
        if isinstance(cause, FailureError):
            message = cause.message or message
        cause = cause.__cause__
    return message
