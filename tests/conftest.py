"""Shared by all tests: real servers, one of each for a process; what a skip means; what is told at the end."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from sandbox.postgres import PostgresServer
    from sandbox.temporal_server import TemporalServer
    from tests.servers import Servers

# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("devsync", deadline=None)
hypothesis.settings.load_profile("devsync")

pytest_plugins = ["tests.bounds"]

CONTRACT = "contract"
"""The property of a test in which it tells what of a contract it has checked."""


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    # Late, here and below: without a server a test is to begin at once.
    from tests.servers import running_postgres

    async with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[TemporalServer]:
    from tests.servers import running_temporal

    async with running_temporal() as server:
        yield server


@pytest.fixture(scope="session")
async def hasty_temporal() -> AsyncIterator[TemporalServer]:
    """Another server, which suggests continue-as-new early."""
    from tests.servers import SHORT_HISTORY, running_temporal

    async with running_temporal(SHORT_HISTORY) as server:
        yield server


@pytest.fixture(scope="session")
def servers(postgres: PostgresServer, temporal: TemporalServer) -> Servers:
    from tests.servers import Servers

    return Servers(postgres, temporal)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: no test waits while it is searched for garbage."""
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """With DEVSYNC_NO_SKIP=1, as .ci/run sets it, turns a skip into a failure that tells why it was skipped."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("DEVSYNC_NO_SKIP") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be missing here: {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was checked of each contract. It comes with the tests' reports, whichever process ran them."""
    reports = [report for of_outcome in terminalreporter.stats.values() for report in of_outcome]
    told = [
        value
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == CONTRACT
    ]
    if told:
        terminalreporter.section("contracts kept by our requests and the sandbox's answers")
        for line in told:
            terminalreporter.line(str(line))
