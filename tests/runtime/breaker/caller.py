"""A process that wants to read GitHub all the time, from many threads: `python -m tests.runtime.breaker.caller`.

Takes its task as JSON on its input, and ends when that is closed.
"""

import asyncio
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from activities.clients.github import GitHubClient
from activities.clients.github_access import PersonalToken
from devsync.domain.breaker import BreakerConfig
from devsync.domain.breaker.refusals import CallRefused
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.plugin import DevSyncPlugin

THREADS = 6
IMPATIENT = 0.5
"""Seconds after which a thread that was refused comes again, whatever it was told."""


def read_on_and_on(client: GitHubClient, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            client.list_page("acme/ledger", "releases", {}, 1, lambda: None, tuple)
            stop.wait(0.05)
        except CallRefused as refused:
            stop.wait(min(IMPATIENT, max((refused.retry_at - datetime.now(UTC)).total_seconds(), 0)))
        except Exception:
            pass


async def main() -> None:
    task = json.loads(sys.stdin.readline())
    temporal = await Client.connect(task["temporal"], plugins=[DevSyncPlugin()])
    async with Gates(temporal, {task["service"]: BreakerConfig()}) as gates:
        client = GitHubClient(
            base_url=task["github"],
            tokens=PersonalToken(task["token"]),
            concurrency=THREADS,
            read_timeout=timedelta(seconds=5),
            gate=gates.gate(task["service"]),
        )
        stop = threading.Event()
        threads = [threading.Thread(target=read_on_and_on, args=(client, stop)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        stop.set()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))


if __name__ == "__main__":
    asyncio.run(main())
    time.sleep(0.2)
    os._exit(0)  # SDK 1.35 sometimes aborts the interpreter's exit while its threads end
