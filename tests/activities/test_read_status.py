"""The service's own status page: facts for later steps, a sentence for people, nothing healed."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.clients.status_page import status_in
from devsync.contracts.recovery import EditionSources
from devsync.runtime.classification import MalformedAnswer, classify
from sandbox.changes import ReportStatus
from sandbox.faults import Fault, FaultKind
from sandbox.service import system_clock
from sandbox.worlds.demo import demo_world
from tests.activities.recovery_stage import RecoveryStage, recovery_stage, why


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


async def test_an_incident_is_told_as_facts_and_in_a_sentence(stage: RecoveryStage) -> None:
    stage.sandbox.change(ReportStatus(service="github", indicator="major", incident="API errors"))
    result = await stage.take(stage.status.read_page, stage.repository(stage.repositories[0]))
    link = f"{stage.sandbox.status_pages['github']}/incidents/githubincident1"
    assert result.facts == {
        "indicator": "major",
        "description": "Partial System Outage",
        "incident": "API errors",
        "incident_url": link,
    }
    assert result.message == (
        f"GitHub's status page says: Partial System Outage (Pull Requests); incident: API errors {link}"
    )
    assert (result.healed, result.failures) == ((), {})


async def test_that_all_is_well_is_a_fact_too(stage: RecoveryStage) -> None:
    result = await stage.take(stage.status.read_page, stage.project(stage.projects[0]))
    assert result.facts == {"indicator": "none", "description": "All Systems Operational"}
    assert result.message == "JIRA's status page says: All Systems Operational"


async def test_a_service_without_a_page_is_no_failure(stage: RecoveryStage) -> None:
    unit = stage.repository(stage.repositories[0])
    result = await stage.take(stage.status.read_page, unit, sources=EditionSources())
    assert (result.facts, result.message) == ({}, "no status page is configured for github")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": FaultKind.HTML, "status": 503}, "503"),
        ({"kind": FaultKind.STATUS, "status": 404}, "404"),
        ({"kind": FaultKind.CUT_JSON}, "malformed"),
        ({"kind": FaultKind.MALFORMED}, "malformed"),
        ({"kind": FaultKind.EMPTY}, "malformed"),
        ({"kind": FaultKind.TRUNCATED}, "network"),
        ({"kind": FaultKind.NULLS, "field": "status.indicator"}, "malformed"),
        ({"kind": FaultKind.NULLS, "field": "components.*.name"}, ""),
        ({"kind": FaultKind.LATENCY, "latency_ms": 5000}, "timeout"),
    ],
)
async def test_a_bad_answer_is_a_failed_step_after_one_request(
    stage: RecoveryStage, fault: dict[str, object], code: str
) -> None:
    stage.sandbox.faults.add(Fault.model_validate({"service": "status", **fault}))
    began = datetime.now(UTC)
    taking = stage.take(stage.status.read_page, stage.repository(stage.repositories[0]))
    if code:
        assert classify(await why(taking), "status", system_clock()).code == code
    else:
        assert (await taking).facts["indicator"] == "none"
    assert len(stage.asked("status")) == 1
    assert datetime.now(UTC) - began < timedelta(seconds=4)


@pytest.mark.parametrize(
    "summary",
    [
        [],
        {"status": {"indicator": "terrible", "description": "?"}},
        {"status": "fine"},
        {"status": {"indicator": "none", "description": "Fine"}, "incidents": ["one"]},
    ],
)
def test_a_page_of_another_form_is_malformed(summary: object) -> None:
    with pytest.raises(MalformedAnswer):
        status_in(json.dumps(summary).encode())


def test_what_a_page_says_is_bounded_and_its_links_are_links() -> None:
    summary = {
        "status": {"indicator": "minor", "description": "Slow\n" + "x" * 5000},
        "incidents": [
            {"name": "small", "impact": "minor", "shortlink": "https://stspg.io/small"},
            {"name": "<!channel>\u0007 down", "impact": "critical", "shortlink": "javascript:alert(1)"},
        ],
    }
    found = status_in(json.dumps(summary).encode())
    assert len(found.description) == 200
    assert "\n" not in found.description
    assert (found.incident, found.incident_url) == ("<!channel> down", "")
