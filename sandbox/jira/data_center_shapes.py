"""Turns a world into the bodies that JIRA Data Center sends: wiki text, user names, epics in a custom field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sandbox.jira import catalogue
from sandbox.jira.fields import EPIC_LINK_TYPE, SPRINT_FIELD, Field, Kind
from sandbox.jira.fields import FIELDS as CLOUD_FIELDS
from sandbox.jira.shapes import Body, Shapes
from sandbox.world import Issue, Person, Project, Sprint

EPIC_LINK: Final = "customfield_10101"
SPRINT: Final = "customfield_10105"
"""Numbers of custom fields are each instance's own: a client must look them up by their type."""

_NOT_ON_DATA_CENTER: Final = {SPRINT_FIELD, "statusCategory"}
FIELDS: Final = (
    *(field for field in CLOUD_FIELDS if field.id not in _NOT_ON_DATA_CENTER),
    Field(EPIC_LINK, "Epic Link", ("cf[10101]", "Epic Link"), Kind.CHOICE, "any", custom_type=EPIC_LINK_TYPE),
    Field(SPRINT, "Sprint", ("cf[10105]", "Sprint"), Kind.CHOICE, "array", "string"),
)
BODY_FIELDS: Final = frozenset(field.id for field in FIELDS if field.id != "issuekey")


@dataclass(frozen=True)
class DataCenterShapes(Shapes):
    user_timezone: str = "UTC"

    def api(self, path: str) -> str:
        return f"{self.base_url}/rest/api/2/{path}"

    def user(self, person: Person) -> Body:
        return {
            "self": self.api(f"user?username={person.login}"),
            "name": person.login,
            "key": f"JIRAUSER{int(catalogue.identifier(person.email))}",
            "emailAddress": person.email,
            "avatarUrls": self.avatars("secure/useravatar"),
            "displayName": person.name,
            "active": True,
            "timeZone": self.user_timezone,
        }

    def issue_type(self, name: str) -> Body:
        is_subtask = name.casefold() in ("sub-task", "subtask")
        return self.named("issuetype", name, description="", subtask=is_subtask)

    def project(self, project: Project) -> Body:
        return {
            "expand": "description,lead,url,projectKeys",
            "self": self.api(f"project/{project.id}"),
            "id": str(project.id),
            "key": project.key,
            "name": project.name,
            "avatarUrls": self.avatars("secure/projectavatar"),
            "projectTypeKey": "software",
            "archived": False,
        }

    def issue(self, issue: Issue, fields: frozenset[str], *, with_changelog: bool = False) -> Body:
        """A sub-task alone has the field `parent`; a story tells its epic by the custom field Epic Link."""
        shown = fields if self._is_subtask(issue) else fields - {"parent"}
        body = super().issue(issue, shown, with_changelog=with_changelog)
        body["expand"] = "operations,versionedRepresentations,editmeta,changelog,renderedFields"
        if with_changelog:
            body["changelog"]["histories"].reverse()  # oldest first, unlike Cloud's expansion
        return body

    def field(self, issue: Issue, name: str) -> Any:
        if name == "description":
            return issue.description or None
        if name == EPIC_LINK:
            return None if self._is_subtask(issue) else issue.parent_key
        if name == SPRINT:
            return [_sprint_text(sprint) for sprint in self._sprints(issue)] or None
        return super().field(issue, name)

    def _sprints(self, issue: Issue) -> list[Sprint]:
        return catalogue.sprints_by_issue(self.world).get(issue.key, [])

    @staticmethod
    def _is_subtask(issue: Issue) -> bool:
        return issue.issue_type.casefold() in ("sub-task", "subtask")


def _sprint_text(sprint: Sprint) -> str:
    """Data Center sends what Java prints of the object."""
    dates = {"startDate": sprint.starts_at, "endDate": sprint.ends_at, "completeDate": sprint.completed_at}
    told = ",".join(f"{name}={at.isoformat() if at else '<null>'}" for name, at in dates.items())
    return (
        f"com.atlassian.greenhopper.service.sprint.Sprint@{sprint.id:x}[id={sprint.id},state={sprint.state.upper()},"
        f"name={sprint.name},{told},goal={sprint.goal}]"
    )
