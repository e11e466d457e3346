"""How far what a program asked for has come, in the words of the Python API."""

from enum import StrEnum


class WorkflowStatus(StrEnum):
    """Of a recovery that a program has asked for."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    """Everything is live after all, or something stands in for it."""
    PARTIAL = "partial"
    """Some of it stays missing."""
    FAILED = "failed"
    ESCALATED = "escalated"
    """It was not healed, and people are told."""
    ABORTED = "aborted"
    """A person ended it."""
    CANCELLED = "cancelled"


class EscalationLevel(StrEnum):
    """Who is told, as config/escalation.yaml has its levels; the first by the least severe. Operators may have others,
    which are levels as well: `EscalationLevel("on_call").value`."""

    NONE = "none"
    TEAM_LEAD = "team_lead"
    ENGINEERING_MANAGER = "engineering_manager"
    INCIDENT_RESPONSE = "incident_response"
    EXECUTIVE = "executive"

    @classmethod
    def _missing_(cls, value: object) -> "EscalationLevel | None":
        if not isinstance(value, str):
            return None
        level = str.__new__(cls, value)
        level._name_, level._value_ = value.upper(), value
        return level
