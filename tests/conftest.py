"""Shared by all tests: on the machine where everything is installed, a skipped test is a failure."""

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """With DEVSYNC_NO_SKIP=1, as .ci/run sets it, turns a skip into a failure that tells why it was skipped."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("DEVSYNC_NO_SKIP") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be missing here: {report.longrepr}"
