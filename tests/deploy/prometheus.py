"""A real Prometheus for tests, and the expressions that deploy/ would ask it for."""

import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from commands.stack import ROOT
from sandbox.processes import free_port, running_process

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

SCRAPE_SECONDS = 1


def program(name: str) -> str:
    """`prometheus` or `promtool`; skips the test where Debian's package `prometheus` is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install prometheus)")
    return found


@dataclass(frozen=True)
class Prometheus:
    url: str

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query. Raises AssertionError with what Prometheus says where it cannot take it."""
        async with httpx.AsyncClient() as client:
            answer = (await client.get(f"{self.url}/api/v1/query", params={"query": expression})).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

    async def has_data(self, expression: str) -> bool:
        """Whether any series has a number that is one."""
        return any(one["value"][1] not in {"NaN", "+Inf", "-Inf"} for one in await self.query(expression))


@asynccontextmanager
async def running_prometheus(directory: Path, *targets: str) -> AsyncIterator[Prometheus]:
    """One that scrapes these addresses every second as the job `devsync`, with the rules of deploy/."""
    address = f"127.0.0.1:{free_port()}"
    configuration = directory / "prometheus.yml"
    settings = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "devsync", "static_configs": [{"targets": list(targets)}]}],
    }
    configuration.write_text(yaml.safe_dump(settings))
    command = [
        program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address={address}",
    ]

    async def is_ready() -> bool:
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"http://{address}/-/ready")).is_success
            except httpx.HTTPError:
                return False

    async with running_process("prometheus", command, directory / "prometheus.log", is_ready):
        yield Prometheus(f"http://{address}")


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def watched(expression: str) -> str:
    """What a rule looks at: its expression without thresholds, so that it has data also while nothing is wrong."""
    absent = re.fullmatch(r"absent\((.*)\)", expression)
    expression = absent[1] if absent else expression
    return re.sub(r" (==|>=|<=|>|<) [\d.]+( \* [\d.]+)*", "", expression)


def panels(dashboard: Path) -> Iterator[dict[str, Any]]:
    """Rows are none."""
    for panel in json.loads(dashboard.read_text())["panels"]:
        if panel["type"] != "row":
            yield panel


def asked(expression: str) -> str:
    """A panel's query as Grafana sends it, with every variable at "All"."""
    interval = f"{30 * SCRAPE_SECONDS}s"
    return re.sub(r"\$(job|service|queue)\b", ".*", expression.replace("$__rate_interval", interval))
