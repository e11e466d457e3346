"""The outages that a demo plays: what is down, what the team has against it, and how it heals."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from commands.console import progress
from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import EditionResult
from devsync.contracts.escalation import EscalationView
from devsync.rendering.wording import listed
from devsync.runtime.escalations import EscalationOperations

HEALED_WITHIN = timedelta(seconds=90)
"""How long a demo waits until everything is healed."""

DELIVER_BY = timedelta(seconds=45)
"""A demo's deadline: two hours would be long to watch."""


@dataclass(frozen=True)
class Outage:
    """What is down from before the edition starts until it is out."""

    failing: tuple[str, ...] = ()
    """Services that answer 503 to everything, as their status pages say."""
    refusing: tuple[str, ...] = ()
    """Services whose port is closed."""
    cached: bool = False
    """A refresh has collected the week before, but for the first repository."""
    channels: list[dict[str, Any]] = field(default_factory=list)
    """What the team has beside its Slack channel."""


@dataclass(frozen=True)
class Healed:
    """What came of an edition after the outage."""

    team: str
    iso_week: str
    amendment: AmendmentProgress | None = None
    """None: nothing was missing."""
    deliveries: tuple[DeliveryOutcome, ...] = ()
    """Of channels that were queued at the deadline."""
    escalations: tuple[EscalationView, ...] = ()
    """What people were asked, and what came of it."""


def prepare(config: Path, outage: Outage) -> None:
    """Shortens what would be long to watch, and gives the teams what the outage is about."""
    services = read_yaml(config / "services.yaml")
    for name in (names.GITHUB, names.JIRA, names.SLACK):
        services[name]["breaker"] |= {"failure_threshold": 6, "recovery_timeout": "4s", "success_threshold": 1}
        services[name]["retry"] |= {"initial": "200ms", "maximum": "2s"}
    write_yaml(config / "services.yaml", services)
    plans = read_yaml(config / "recovery.yaml")
    for plan in plans.values():
        for step in plan["steps"]:
            if step["id"] in {"breaker", "retry"}:
                step["timeout"] = "8s"
            elif step["id"] == "queue":
                step["with"] = {"next_try": "10s"}
    write_yaml(config / "recovery.yaml", plans)
    delivery = read_yaml(config / "delivery.yaml")
    delivery |= {"delivery_reserve": "15s", "slack": {"retry_schedule": ["2s", "3s", *["5s"] * 60]}}
    write_yaml(config / "delivery.yaml", delivery)
    for path in (config / "teams").glob("*.yaml"):
        team = read_yaml(path)
        team |= {"deliver_by": f"{DELIVER_BY.seconds}s", "channels": [*team["channels"], *outage.channels]}
        write_yaml(path, team)


class Sabotage:
    """Breaks the sandbox's services as an outage says, and mends them."""

    def __init__(self, control_url: str, config: Path, outage: Outage) -> None:
        self._url = control_url
        self._config = config
        self._outage = outage

    async def begin(self, client: Client, sandbox: Mapping[str, Any]) -> None:
        """Everything but what is cached is down when this returns."""
        if self._outage.cached:
            await self._fill_the_cache(client, sandbox)
        for service in self._outage.failing:
            await self._say("/faults", {"kind": "status", "service": service, "status": 503})
            await self._report(service, "major", f"{service} is down")
        for service in self._outage.refusing:
            await self._say(f"/services/{service}/pause")
        down = (*self._outage.failing, *self._outage.refusing)
        progress.print(f"[bold]outage:[/] {listed(down)} {'is' if len(down) == 1 else 'are'} down from now on")

    async def end(self) -> None:
        async with httpx.AsyncClient() as http:
            (await http.delete(f"{self._url}/faults")).raise_for_status()
        for service in self._outage.failing:
            await self._report(service, "none", "")
        for service in self._outage.refusing:
            await self._say(f"/services/{service}/resume")
        progress.print("[bold]the outage is over[/]; what it left is mended now")

    async def _fill_the_cache(self, client: Client, sandbox: Mapping[str, Any]) -> None:
        """By dry runs, which collect as a refresh would; the file of a team names its first repository only later."""
        for spec in sandbox["teams"]:
            path, new = self._config / "teams" / f"{spec['team']}.yaml", spec["repositories"][0]
            whole = read_yaml(path)
            if (before := _without(whole, new)) is None:
                continue
            write_yaml(path, before)
            try:
                progress.print(f"a refresh collects the week of {spec['team']}, but for {new}")
                handle = await start_edition(client, spec["team"], sandbox["week"], is_dry_run=True)
                await handle.result()
            finally:
                write_yaml(path, whole)

    async def _report(self, service: str, indicator: str, incident: str) -> None:
        change = {"kind": "report_status", "service": service, "indicator": indicator, "incident": incident}
        await self._say("/world/changes", change)

    async def _say(self, path: str, body: dict[str, Any] | None = None) -> None:
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self._url}{path}", json=body)).raise_for_status()


def _without(team: dict[str, Any], repository: str) -> dict[str, Any] | None:
    """The team's file as it was before; None where it has no other source."""
    github = team["github"]
    others = [name for name in github["repositories"] if name != repository]
    if others:
        mirrors = {name: at for name, at in github.get("mirrors", {}).items() if name in others}
        return team | {"github": github | {"repositories": others, "mirrors": mirrors}}
    return {name: said for name, said in team.items() if name != "github"} if "jira" in team else None


async def healed(client: Client, result: EditionResult, by: str) -> Healed:
    """Waits until what the outage left is mended: the amendment, queued channels, open escalations."""
    week = (result.team, result.iso_week)
    amendment_id = names.amendment_id(*week)
    missing = bool(result.gaps)
    if missing:
        with suppress(RPCError):
            await client.get_workflow_handle(amendment_id).signal("try_now", {"by": by})

    async def is_over(workflow_id: str) -> bool:
        try:
            return (await client.get_workflow_handle(workflow_id).describe()).status is not (
                WorkflowExecutionStatus.RUNNING
            )
        except RPCError:
            return False

    if missing:
        await _until(partial(is_over, amendment_id))
    deliveries = [run.id async for run in client.list_workflows(_of(names.DELIVERY, *week))]
    for delivery_id in dict.fromkeys(deliveries):
        await _until(partial(is_over, delivery_id))
    for escalation in result.escalations:
        await _until(partial(is_over, escalation))
    return Healed(
        team=result.team,
        iso_week=result.iso_week,
        amendment=await _result(client, amendment_id, AmendmentProgress) if missing else None,
        deliveries=tuple(
            [await _result(client, one, DeliveryOutcome) for one in dict.fromkeys(deliveries) if await is_over(one)]
        ),
        escalations=tuple([await EscalationOperations(client).view(one) for one in result.escalations]),
    )


def _of(kind: str, team: str, iso_week: str) -> str:
    return f"WorkflowType = '{kind}' AND Team = '{team}' AND IsoWeek = '{iso_week}'"


async def _result(client: Client, workflow_id: str, kind: Any) -> Any:
    return await client.get_workflow_handle(workflow_id, result_type=kind).result()


async def _until(is_true: Callable[[], Awaitable[bool]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(HEALED_WITHIN.total_seconds()):
            while not await is_true():
                await asyncio.sleep(0.2)


def read_yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    """In one step: whoever reads the configuration meanwhile finds the file as it was, or as it is."""
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    new.replace(path)
