"""Every step of the shipped plans of calendar, boards and deployments: all above it fail, and it alone saves them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devsync.contracts import names
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.builtin import METRICS
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import IMPATIENT, Stage, stage_for
from tests.servers import Servers

ATTEMPTS = 2
BROKEN = {names.CALENDAR: "", names.JIRA: "/agile/", names.GITHUB: ""}
"""The routes of what surrounds an edition."""


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_for(demo_world("2026-W47"), servers, tmp_path) as stage:
        stage.ask_for_surroundings()
        for service in BROKEN:
            stage.change_service(service, "timeouts", **IMPATIENT)
            stage.change_service(service, "retry", attempts=ATTEMPTS, initial="100ms", maximum="1s")
        yield stage


def break_them(stage: Stage, *, times: int | None = None) -> None:
    """All of each service, once for every unit that it has where `times` says how often."""
    spec = stage.sandbox.world.teams[0]
    units = {names.CALENDAR: 1, names.JIRA: len(spec.boards), names.GITHUB: len(spec.repositories)}
    for service, route in BROKEN.items():
        about = "query Deployments" if service == names.GITHUB else ""
        count = times * units[service] if times else None
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service=service, status=503, route=route, about=about, count=count)
        )


async def collected(stage: Stage) -> EditionResult:
    result = await (await stage.start(is_dry_run=True)).result()
    stage.sandbox.faults.clear()
    return result


def steps_that_healed(result: EditionResult) -> dict[str, list[str]]:
    return {
        one.service: [step.id for step in one.steps if step.healed] for one in result.recoveries if one.phase == METRICS
    }


async def test_each_step_alone_saves_what_surrounds_an_edition(stage: Stage) -> None:
    async with stage.worker():
        break_them(stage)
        nothing_cached = await collected(stage)
        break_them(stage, times=ATTEMPTS)
        passing = await collected(stage)
        break_them(stage)
        cached = await collected(stage)
    # A calendar and a board cannot be computed from anything else.
    assert steps_that_healed(nothing_cached) == {names.CALENDAR: [], names.JIRA: [], names.GITHUB: ["computed"]}
    assert steps_that_healed(passing) == {service: ["retry"] for service in BROKEN}
    assert (passing.status, passing.gaps) == (EditionStatus.COMPLETE, ())
    assert steps_that_healed(cached) == {service: ["cached"] for service in BROKEN}
    assert {gap.stand_in for gap in cached.gaps} == {ProvenanceKind.CACHED}
