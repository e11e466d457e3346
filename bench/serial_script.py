"""What a user would write: PyGithub and jira, one call after the other, REST, throttles off.

Run as a process: reads its task as JSON on standard input, writes `{"seconds": s, "items": n}`.
"""

import json
import sys
import time
from datetime import datetime
from typing import Any

from github import Auth, Github
from jira import JIRA


def collect(task: dict[str, Any]) -> int:
    start, end = datetime.fromisoformat(task["window_start"]), datetime.fromisoformat(task["window_end"])
    github = Github(
        base_url=task["github_url"],
        auth=Auth.Token(task["github_token"]),
        seconds_between_requests=None,
        seconds_between_writes=None,
        per_page=100,
    )
    items = 0
    for name in task["repositories"]:
        repository = github.get_repo(name)
        for pull in repository.get_pulls(state="closed", sort="updated", direction="desc"):
            if pull.updated_at and pull.updated_at < start:
                break
            items += bool(pull.merged_at and start <= pull.merged_at < end)
        items += sum(1 for _ in repository.get_commits(since=start, until=end))
        items += sum(
            bool(release.published_at and start <= release.published_at < end) for release in repository.get_releases()
        )
    jira = JIRA(
        task["jira_url"], basic_auth=(task["jira_email"], task["jira_token"]), options={"rest_api_version": "3"}
    )
    for name in task["projects"]:
        found = jira.enhanced_search_issues(
            f'project = "{name}" AND resolved >= "{start:%Y-%m-%d %H:%M}" AND resolved < "{end:%Y-%m-%d %H:%M}"',
            maxResults=0,
            fields=task["jira_fields"],
        )
        items += len(found)
    return items


def main() -> None:
    task = json.load(sys.stdin)
    began = time.perf_counter()
    items = collect(task)
    json.dump({"seconds": time.perf_counter() - began, "items": items}, sys.stdout)


if __name__ == "__main__":
    main()
