"""The query by which the server lists the open runs of a workflow type."""


def open_runs(*workflow_types: str) -> str:
    """`WorkflowType = 'CircuitBreaker' AND ExecutionStatus = 'Running'`; of several types, those of any."""
    listed = ", ".join(f"'{one}'" for one in workflow_types)
    of_type = f"= {listed}" if len(workflow_types) == 1 else f"IN ({listed})"
    return f"WorkflowType {of_type} AND ExecutionStatus = 'Running'"
