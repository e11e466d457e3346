"""A repository's week as one artifact: what is counted of it, and what is left of it where it is too large."""

from typing import Any

from devsync.domain.changelog.collected import RepositoryData


def counts_of(data: RepositoryData) -> dict[str, int]:
    return {
        "pull_requests": len(data.pull_requests),
        "commits": len(data.commits),
        "releases": len(data.releases),
    }


def without_texts(data: RepositoryData) -> RepositoryData:
    """Titles, people and links stay; bodies go."""
    changes: dict[str, Any] = {
        "pull_requests": tuple(pull.model_copy(update={"body": ""}) for pull in data.pull_requests),
        "commits": tuple(
            commit.model_copy(update={"message": commit.message.split("\n", 1)[0]}) for commit in data.commits
        ),
        "releases": tuple(release.model_copy(update={"body": ""}) for release in data.releases),
    }
    return data.model_copy(update=changes)
