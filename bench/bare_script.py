"""The yardstick: the same calls by plain asyncio + httpx at the same concurrency, one pooled client, no durability.

Run as a process: reads its task as JSON on standard input, writes
`{"seconds": s, "calls": n, "items": n, "pages_needed": n}`.
"""

import asyncio
import json
import math
import sys
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

CONCURRENCY = 10


class Bare:
    def __init__(self, task: dict[str, Any]) -> None:
        self.task = task
        self.start = datetime.fromisoformat(task["window_start"])
        self.end = datetime.fromisoformat(task["window_end"])
        limits = httpx.Limits(max_connections=2 * CONCURRENCY, max_keepalive_connections=2 * CONCURRENCY)
        self.http = httpx.AsyncClient(timeout=30, limits=limits)
        self.slots = {"github": asyncio.Semaphore(CONCURRENCY), "jira": asyncio.Semaphore(CONCURRENCY)}
        self.calls = 0
        self.pages_needed = 0
        """Sum over the lists of max(1, ceil(n / 100)), n being the entries of the window."""

    async def run(self) -> int:
        async with self.http:
            jira = asyncio.create_task(self.jira())
            repositories = await asyncio.gather(*(self.repository(name) for name in self.task["repositories"]))
            return sum(repositories) + await jira

    async def repository(self, name: str) -> int:
        """One repository: its three lists one after the other, as a reader of the API's guide would."""
        pulls = await self.pages(
            f"/repos/{name}/pulls",
            {"state": "closed", "sort": "updated", "direction": "desc"},
            lambda entry: datetime.fromisoformat(entry["updated_at"]) < self.start,
        )
        merged = [pull for pull in pulls if pull["merged_at"] and self.is_inside(pull["merged_at"])]
        window = {"since": f"{self.start:%Y-%m-%dT%H:%M:%SZ}", "until": f"{self.end:%Y-%m-%dT%H:%M:%SZ}"}
        commits = await self.pages(f"/repos/{name}/commits", window, lambda _: False)
        oldest = self.start - timedelta(days=90)
        releases = await self.pages(
            f"/repos/{name}/releases", {}, lambda entry: datetime.fromisoformat(entry["created_at"]) < oldest
        )
        published = sum(self.is_inside(release["published_at"]) for release in releases if release["published_at"])
        for count in (len(merged), len(commits), published):
            self.need(count)
        shas = {pull["merge_commit_sha"] for pull in merged}
        return len(merged) + sum(commit["sha"] not in shas for commit in commits)

    async def pages(self, path: str, parameters: dict[str, str], is_enough: Any) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = await self.get(
                "github",
                self.task["github_url"] + path,
                {**parameters, "per_page": "100", "page": str(page)},
                {"Authorization": f"token {self.task['github_token']}"},
            )
            found = answer.json()
            entries += found
            if 'rel="next"' not in answer.headers.get("link", "") or (found and is_enough(found[-1])):
                return entries
            page += 1

    async def jira(self) -> int:
        if not self.task["projects"]:
            return 0
        base = self.task["jira_url"] + "/rest/api/3"
        await self.get("jira", f"{base}/serverInfo", {}, {})
        me = await self.get("jira", f"{base}/myself", {}, {})
        zone = ZoneInfo(me.json()["timeZone"])
        return sum(await asyncio.gather(*(self.project(base, zone, name) for name in self.task["projects"])))

    async def project(self, base: str, zone: ZoneInfo, name: str) -> int:
        start, end = self.start.astimezone(zone), self.end.astimezone(zone)
        jql = (
            f'project = "{name}" AND resolved >= "{start:%Y-%m-%d %H:%M}" AND resolved < "{end:%Y-%m-%d %H:%M}"'
            " ORDER BY created ASC, key ASC"
        )
        count = 0
        token = ""
        while True:
            parameters = {"jql": jql, "fields": self.task["jira_fields"], "maxResults": "100"}
            if token:
                parameters["nextPageToken"] = token
            page = (await self.get("jira", f"{base}/search/jql", parameters, {})).json()
            count += len(page["issues"])
            token = page.get("nextPageToken") or ""
            if not token:
                self.need(count)
                return count

    async def get(self, service: str, url: str, parameters: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        auth = (self.task["jira_email"], self.task["jira_token"]) if service == "jira" else None
        async with self.slots[service]:
            answer = await self.http.get(url, params=parameters, headers=headers, auth=auth)
        self.calls += 1
        answer.raise_for_status()
        return answer

    def need(self, entries: int) -> None:
        self.pages_needed += max(1, math.ceil(entries / 100))

    def is_inside(self, at: str) -> bool:
        return self.start <= datetime.fromisoformat(at) < self.end


async def main(kind: type[Bare] = Bare) -> None:
    bare = kind(json.load(sys.stdin))
    began = time.perf_counter()
    items = await bare.run()
    seconds = time.perf_counter() - began
    said = {"seconds": seconds, "calls": bare.calls, "items": items, "pages_needed": bare.pages_needed}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
