"""`doctor` on team calendars: what is well, what is wrong, how to mend it, and never the address."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands.doctor.calendar import check_calendars
from commands.doctor.findings import Finding
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import Environment
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.configuration import shipped_settings

SECRET = "key-that-opens-the-calendar"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["calendar"]) as running:
        yield running


async def found(
    sandbox: Sandbox, directory: Path, private_hosts: str = "localhost", calendar: str = ""
) -> list[Finding]:
    config = shipped_settings(directory / "config")
    ics = f"{sandbox.urls['calendar']}/calendars/payments.ics?key={SECRET}"
    (config / "teams" / "core.yaml").write_text(
        f"""\
team: core
timezone: Europe/Berlin
jira: {{projects: [CORE]}}
calendar: {calendar or f"{{ics: '{ics}'}}"}
channels: [{{kind: slack, channel: "#core"}}]
"""
    )
    environment = Environment(outgoing_private_hosts=private_hosts)
    findings = [finding async for finding in check_calendars(environment, load_configuration(config))]
    assert SECRET not in str(findings)
    return findings


async def test_a_calendar_that_can_be_read_says_what_it_tells(sandbox: Sandbox, tmp_path: Path) -> None:
    (finding,) = await found(sandbox, tmp_path)
    assert (finding.check, finding.is_ok) == ("calendar core", True)
    assert finding.detail.startswith("readable; in the next 2 weeks ")


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (Fault(kind=FaultKind.STATUS, service="calendar", status=404), "404"),
        (Fault(kind=FaultKind.EMPTY, service="calendar"), "no whole iCalendar document"),
        (Fault(kind=FaultKind.RESET, service="calendar"), "calendar"),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)
async def test_one_that_cannot_names_the_reason_and_the_cure(
    sandbox: Sandbox, tmp_path: Path, fault: Fault, detail: str
) -> None:
    sandbox.faults.add(fault)
    (finding,) = await found(sandbox, tmp_path)
    assert not finding.is_ok
    assert detail in finding.detail
    assert "calendar.ics" in finding.cure


async def test_one_in_a_private_network_names_the_variable(sandbox: Sandbox, tmp_path: Path) -> None:
    (finding,) = await found(sandbox, tmp_path, private_hosts="")
    assert not finding.is_ok
    assert "OUTGOING_PRIVATE_HOSTS" in finding.detail


async def test_holidays_alone_ask_nobody(sandbox: Sandbox, tmp_path: Path) -> None:
    assert await found(sandbox, tmp_path, calendar="{holidays: DE}") == []
