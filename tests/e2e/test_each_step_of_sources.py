"""Every step of GitHub's and JIRA's shipped plans that can heal: all above it fail, and it alone saves the edition."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
import yaml

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.changelog.edition import Edition, ProvenanceKind
from devsync.domain.recovery.plan import StepState
from sandbox.faults import Fault, FaultKind
from sandbox.world import TeamSpec
from sandbox.worlds.generator import generated_world
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, stage_for
from tests.servers import Servers

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
ATTEMPTS = 2
"""Of an edition at a source, before its recovery."""


class Case(NamedTuple):
    """What a team has, whose edition only this step can save."""

    service: str
    step: str
    stand_in: ProvenanceKind | None = None
    """None: the source is live after all."""
    is_cached: bool = False
    """A refresh has collected the week before."""
    is_mirrored: bool = False
    road: str = "auto"


CASES = (
    Case(names.GITHUB, "retry"),
    Case(names.GITHUB, "cached", ProvenanceKind.CACHED, is_cached=True),
    Case(names.GITHUB, "partial", ProvenanceKind.PARTIAL, road="rest"),
    Case(names.GITHUB, "rest"),
    Case(names.GITHUB, "mirror", ProvenanceKind.MIRROR, is_mirrored=True),
    Case(names.GITHUB, "feed", ProvenanceKind.FEED),
    Case(names.JIRA, "retry"),
    Case(names.JIRA, "cached", ProvenanceKind.CACHED, is_cached=True),
    Case(names.JIRA, "partial", ProvenanceKind.PARTIAL),
    Case(names.JIRA, "derived", ProvenanceKind.DERIVED),
)


class Told(NamedTuple):
    spec: TeamSpec
    result: EditionResult
    edition: Edition
    keys: list[str]
    """Of each message of ours in the team's channel."""


def faults(case: Case, spec: TeamSpec) -> list[Fault]:
    """What is broken for that team, and for no other."""
    repository, project = spec.repositories[0], spec.projects[0]
    name = re.escape(repository.rpartition("/")[2])

    def broken(service: str, route: str, about: str = "", *, count: int | None = None, after: int = 0) -> Fault:
        return Fault(
            kind=FaultKind.STATUS, service=service, status=503, route=route, about=about, count=count, after=after
        )

    match case.service, case.step:
        case names.GITHUB, "retry":
            return [broken("github", "^/graphql$", f'"{name}"', count=ATTEMPTS)]
        case names.GITHUB, "rest":
            return [broken("github", "^/graphql$", f'"{name}"')]
        case names.GITHUB, "partial":
            return [broken("github", f"^/repos/{repository}/releases")]
        case names.GITHUB, _:
            return [broken("github", "^/graphql$", f'"{name}"'), broken("github", f"^/repos/{repository}/")]
        case _, "retry":
            return [broken("jira", "/search", rf"\b{project}\b", count=ATTEMPTS)]
        case _, "partial":
            return [broken("jira", "/search", rf"\b{project}\b", after=1)]
        case _:
            return [broken("jira", "/search", rf"\b{project}\b")]


def configure(stage: Stage, case: Case, spec: TeamSpec) -> None:
    path = stage.directory / "config" / "teams" / f"{spec.team}.yaml"
    team = yaml.safe_load(path.read_text())
    team["github"]["api"] = case.road
    if case.is_mirrored:
        team["github"]["mirrors"] = {name: stage.sandbox.mirrors[name] for name in spec.repositories}
    path.write_text(yaml.safe_dump(team, sort_keys=False))


@pytest.fixture(scope="module")
async def told(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Told]:
    """Every case's edition, all of them at once."""
    world = generated_world(
        teams=len(CASES), repositories=len(CASES), projects=len(CASES), pull_requests=100, issues=1500
    )
    teams = dict(zip(CASES, world.teams, strict=True))
    async with stage_for(world, servers, tmp_path_factory.mktemp("steps")) as stage:
        for service in (names.GITHUB, names.JIRA):
            stage.change_service(service, "timeouts", **IMPATIENT)
            stage.change_service(service, "retry", attempts=ATTEMPTS, initial="100ms", maximum="1s")
        for case, spec in teams.items():
            configure(stage, case, spec)
        async with stage.worker():
            await run_all(stage, [spec for case, spec in teams.items() if case.is_cached], is_dry_run=True)
            for case, spec in teams.items():
                for fault in faults(case, spec):
                    stage.sandbox.faults.add(fault)
            results = await run_all(stage, world.teams)
        editions = [await stage.edition(result) for result in results]
    return {
        case: Told(spec, result, edition, stage.keys_in(spec.slack_channels[0]))
        for (case, spec), result, edition in zip(teams.items(), results, editions, strict=True)
    }


async def run_all(stage: Stage, specs: Sequence[TeamSpec], *, is_dry_run: bool = False) -> list[EditionResult]:
    handles = [await start_edition(stage.client, spec.team, WEEK, is_dry_run=is_dry_run) for spec in specs]
    return await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), PATIENCE_SECONDS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}-{case.step}")
def test_it_alone_saves_the_edition(told: dict[Case, Told], case: Case) -> None:
    spec, result, edition, _ = told[case]
    unit = (
        names.repository_unit(spec.repositories[0])
        if case.service == names.GITHUB
        else names.project_unit(spec.projects[0])
    )
    (recovery,) = [one for one in result.recoveries if one.service == case.service]
    assert [step.id for step in recovery.steps if step.healed] == [case.step]
    assert recovery.steps[-1].state is StepState.RESOLVED, "nothing below it was done"
    assert all(step.state is not StepState.RESOLVED for step in recovery.steps[:-1])
    if case.stand_in is None:
        assert (result.status, result.gaps) == (EditionStatus.COMPLETE, ())
    else:
        assert result.status is EditionStatus.PARTIAL
        assert [(gap.unit, gap.stand_in) for gap in result.gaps] == [(unit, case.stand_in)]
    if case.service == names.GITHUB:
        provenance = case.stand_in or ProvenanceKind.LIVE
        assert {item.provenance.kind for item in edition.items if item.repository} == {provenance}
    else:
        of_project = [link for item in edition.items for link in item.issues if link.key.startswith(spec.projects[0])]
        assert any(link.summary for link in of_project), "its issues are told by their names"


@pytest.mark.parametrize("case", [case for case in CASES if case.step == "retry"], ids=lambda case: case.service)
def test_a_retry_that_succeeds_runs_no_fallback_and_the_edition_is_delivered_once(
    told: dict[Case, Told], case: Case
) -> None:
    (recovery,) = [one for one in told[case].result.recoveries if one.service == case.service]
    assert [step.id for step in recovery.steps if step.state is not StepState.SKIPPED] == ["retry"]
    assert [channel.state for channel in told[case].result.channels] == [DeliveryState.DELIVERED]
    assert sorted(Counter(told[case].keys).values()) == [1] * len(told[case].keys)
    assert told[case].keys
