"""What recoveries turn to while a service is down: git mirrors and status pages. A wrong one is noticed too late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

from activities.clients.bounded import WebReader
from activities.clients.git_mirrors import GitMirrors
from activities.clients.status_page import read_status
from commands.doctor.findings import Finding
from devsync.contracts.names import GIT_MIRROR, STATUS
from devsync.runtime.classification import classify
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment

ANSWERED_BY = timedelta(seconds=10)


async def check_mirrors(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    """Addresses are not shown: one may hold a token."""
    mirrors = {
        repository: address
        for team in configuration.teams.values()
        if team.github
        for repository, address in team.github.mirrors.items()
    }
    settings = configuration.services.service(GIT_MIRROR)
    client = GitMirrors(environment.mirrors_dir, read_timeout=settings.http_read)
    cure = "correct github.mirrors of the team's file; the worker's user must be able to clone it without a question"
    for repository, address in mirrors.items():

        def ask(repository: str = repository, address: str = address) -> str:
            return f"answers, its branch is {client.branch(repository, address, until=_soon())}"

        yield await _finding(f"mirror of {repository}", GIT_MIRROR, ask, cure)


async def check_status_pages(_environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    settings = configuration.services.service(STATUS)
    reader = WebReader(STATUS, connect_timeout=settings.http_connect, read_timeout=settings.http_read)
    cure = "correct status_page in services.yaml: the address of a page in Statuspage's form, or leave it out"
    try:
        for service, page in configuration.services.status_pages.items():

            def ask(page: str = page) -> str:
                return f"says: {read_status(reader, page).description}"

            yield await _finding(f"status page of {service}", STATUS, ask, cure)
    finally:
        reader.close()


async def _finding(check: str, service: str, ask: Callable[[], str], cure: str) -> Finding:
    try:
        return Finding(check, True, await asyncio.to_thread(ask))
    except Exception as error:  # noqa: BLE001 (of several libraries; the one table knows them)
        return Finding(check, False, classify(error, service, datetime.now(UTC)).message, cure)


def _soon() -> datetime:
    return datetime.now(UTC) + ANSWERED_BY
