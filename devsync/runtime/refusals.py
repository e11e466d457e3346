"""Why nothing came of what somebody asked for: a command prints it and a page shows it, as it is."""

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from devsync.domain.refusal import NOT_THERE


class NotDone(Exception):
    """Nothing came of it; the message says why and, where somebody can mend it, how."""


class NotThere(NotDone):
    """What was named is not there, or is over: nothing can be done to it."""


def refusal(error: WorkflowUpdateFailedError, otherwise: type[NotDone]) -> NotDone:
    """What to raise for an update that a workflow has refused: NotThere where it says so."""
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return otherwise(str(cause))
    kind = NotThere if cause.type == NOT_THERE else otherwise
    return kind(cause.message)
