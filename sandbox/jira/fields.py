"""The fields this JIRA knows: one table behind `/field`, the JQL names and the issue bodies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Kind(Enum):
    """What a field holds, which decides the JQL operators that it takes."""

    CHOICE = "choice"
    DATE = "date"
    TEXT = "text"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Field:
    id: str
    name: str
    clauses: tuple[str, ...]
    kind: Kind
    type: str
    items: str | None = None
    """Type of the items when `type` is `array`."""
    custom_type: str = "com.pyxis.greenhopper.jira:gh-sprint"
    """Of a custom field: what it is, whatever its number and name on this site."""

    @property
    def is_custom(self) -> bool:
        return self.id.startswith("customfield_")

    def wire(self) -> dict[str, Any]:
        """The `FieldDetails` of Atlassian's description."""
        schema: dict[str, Any] = {"type": self.type}
        if self.items:
            schema["items"] = self.items
        if self.is_custom:
            schema |= {
                "custom": self.custom_type,
                "customId": int(self.id.removeprefix("customfield_")),
            }
        else:
            schema["system"] = self.id
        return {
            "id": self.id,
            "key": self.id,
            "name": self.name,
            "custom": self.is_custom,
            "orderable": self.id not in ("created", "updated", "resolutiondate", "issuekey"),
            "navigable": True,
            "searchable": True,
            "clauseNames": list(self.clauses),
            # As on Cloud: the key is no field of the issue body and has no schema.
            **({} if self.id == "issuekey" else {"schema": schema}),
        }


EPIC_LINK_TYPE: Final = "com.pyxis.greenhopper.jira:gh-epic-link"
SPRINT_FIELD: Final = "customfield_10020"
"""The id that Cloud gives the Sprint field on every new site."""

FIELDS: Final = (
    Field("issuekey", "Key", ("id", "issue", "issuekey", "key"), Kind.ISSUE, "string"),
    Field("summary", "Summary", ("summary",), Kind.TEXT, "string"),
    Field("description", "Description", ("description",), Kind.TEXT, "string"),
    Field("project", "Project", ("project",), Kind.CHOICE, "project"),
    Field("issuetype", "Issue Type", ("issuetype", "type"), Kind.CHOICE, "issuetype"),
    Field("status", "Status", ("status",), Kind.CHOICE, "status"),
    Field("statusCategory", "Status Category", ("statusCategory",), Kind.CHOICE, "statusCategory"),
    Field("priority", "Priority", ("priority",), Kind.CHOICE, "priority"),
    Field("resolution", "Resolution", ("resolution",), Kind.CHOICE, "resolution"),
    Field("labels", "Labels", ("labels",), Kind.CHOICE, "array", "string"),
    Field("assignee", "Assignee", ("assignee",), Kind.CHOICE, "user"),
    Field("parent", "Parent", ("parent",), Kind.CHOICE, "issuelink"),
    Field("created", "Created", ("created", "createdDate"), Kind.DATE, "datetime"),
    Field("updated", "Updated", ("updated", "updatedDate"), Kind.DATE, "datetime"),
    Field("resolutiondate", "Resolved", ("resolutiondate", "resolved"), Kind.DATE, "datetime"),
    Field(SPRINT_FIELD, "Sprint", ("cf[10020]", "Sprint"), Kind.CHOICE, "array", "json"),
)

BY_CLAUSE: Final = {clause.casefold(): field for field in FIELDS for clause in field.clauses}
"""JQL names are matched without regard to case."""
