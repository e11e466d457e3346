"""The yardstick of the GraphQL road: the product's own query, and the two requests that learn entity tags, bare.

Run as a process, as `bench.bare_script` is, whose JIRA part it shares.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from activities.github.query import QUERY
from bench.bare_script import Bare, main

PAGE_SIZE = 100


class BareGraphQL(Bare):
    async def repository(self, name: str) -> int:
        """One repository: the tags, then its three lists in one request a page."""
        headers = {"Authorization": f"token {self.task['github_token']}"}
        newest = {"state": "closed", "sort": "updated", "direction": "desc", "per_page": "1"}
        for path, parameters in (("pulls", newest), ("releases", {"per_page": "100", "page": "1"})):
            await self.get("github", f"{self.task['github_url']}/repos/{name}/{path}", parameters, headers)
        found: dict[str, list[dict[str, Any]]] = {"pullRequests": [], "history": [], "releases": []}
        after: dict[str, str | None] = dict.fromkeys(found)
        left, head = set(found), None
        while left:
            repository = await self.page(name, left, after, head)
            target = repository.get("object") or (repository.get("defaultBranchRef") or {}).get("target") or {}
            head = target.get("oid") or head
            for part in sorted(left):
                connection = (target if part == "history" else repository)[part]
                nodes, information = connection["nodes"], connection["pageInfo"]
                found[part] += nodes
                after[part] = information["endCursor"]
                if not information["hasNextPage"] or self.is_enough(part, nodes):
                    left.discard(part)
        merged = [pull for pull in found["pullRequests"] if self.is_inside(pull["mergedAt"])]
        published = sum(self.is_inside(one["publishedAt"]) for one in found["releases"] if one["publishedAt"])
        for count in (len(merged), len(found["history"]), published):
            self.need(count)
        shas = {pull["mergeCommit"]["oid"] for pull in merged if pull["mergeCommit"]}
        return len(merged) + sum(commit["oid"] not in shas for commit in found["history"])

    async def page(self, name: str, left: set[str], after: dict[str, str | None], head: str | None) -> dict[str, Any]:
        owner, _, short = name.partition("/")
        variables = {
            "owner": owner,
            "name": short,
            "since": f"{self.start:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{self.end:%Y-%m-%dT%H:%M:%SZ}",
            "size": PAGE_SIZE,
            "withPulls": "pullRequests" in left,
            "pullsAfter": after["pullRequests"],
            "withBranch": "history" in left and head is None,
            "withHead": "history" in left and head is not None,
            "head": head,
            "commitsAfter": after["history"],
            "withReleases": "releases" in left,
            "releasesAfter": after["releases"],
        }
        async with self.slots["github"]:
            answer = await self.http.post(
                f"{self.task['github_url']}/graphql",
                json={"query": QUERY, "variables": variables},
                headers={"Authorization": f"token {self.task['github_token']}"},
            )
        self.calls += 1
        answer.raise_for_status()
        repository: dict[str, Any] = answer.json()["data"]["repository"]
        return repository

    def is_enough(self, part: str, nodes: list[dict[str, Any]]) -> bool:
        if part == "history" or not nodes:
            return False
        if part == "releases":
            return datetime.fromisoformat(nodes[-1]["createdAt"]) < self.start - timedelta(days=90)
        return datetime.fromisoformat(nodes[-1]["updatedAt"]) < self.start


if __name__ == "__main__":
    asyncio.run(main(BareGraphQL))
