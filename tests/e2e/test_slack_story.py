"""A whole story in a real browser: an outage, the question in Slack, its buttons, and the amended edition."""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.async_api import Page, async_playwright, expect

from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionStatus
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.processes import ChildProcess, free_port, running_process
from sandbox.slack.interactivity import whoever_looks
from sandbox.worlds.demo import demo_world
from tests.configuration import SHIPPED
from tests.e2e.stage import IMPATIENT, Stage, clean_worker, stage_for
from tests.e2e.test_health_monitor import apply, configure
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
TOKEN = "token-of-anna-" + "x" * 24


@pytest.fixture
async def stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own, since the escalation of a service is shared by all teams; people are asked,
    and soon not waited for any more."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world(WEEK), Servers(postgres, temporal), tmp_path) as stage,
    ):
        (tmp_path / "config" / "recovery.yaml").write_text((SHIPPED / "recovery.yaml").read_text())
        stage.keep_steps("github-collection", "retry", ask="missing")
        stage.change_team(deliver_by="30s")
        stage.change_delivery(delivery_reserve="5s")
        yield stage


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        yield page
        await browser.close()


@asynccontextmanager
async def dashboard(stage: Stage, *, teams: Sequence[str] = ()) -> AsyncIterator[str]:
    """Its address; Slack's buttons lead there. Anna operates those teams, else that of the stage."""
    anna = {
        "name": "anna",
        "role": "operate",
        "teams": [*teams] or [stage.team],
        "slack": whoever_looks(stage.slack, None),
        "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }
    (stage.directory / "config" / "dashboard.yaml").write_text(yaml.safe_dump({"people": [anna]}))
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def is_ready() -> bool:
        async with httpx.AsyncClient() as http:
            try:
                return (await http.get(f"{url}/sign-in")).is_success
            except httpx.TransportError:
                return False

    environment = os.environ | stage.environment | {"DASHBOARD_ADDRESS": f"127.0.0.1:{port}", "DASHBOARD_URL": url}
    command = [sys.executable, "-m", "dashboard"]
    log = stage.directory / "dashboard.log"
    async with running_process("dashboard", command, log, is_ready, environment=environment):
        stage.slack.interactivity_url = f"{url}/slack/interactions"
        yield url


async def test_an_outage_is_answered_in_slack_and_the_amended_edition_stands_on_the_dashboard(
    stage: Stage, page: Page
) -> None:
    async with dashboard(stage) as url, worker(stage, url):
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
        edition = await stage.start()
        oncall = f"{stage.sandbox.slack_url}/?channel=oncall"

        await until_there(page, oncall, "Decision needed: GitHub answered 503")
        link = page.get_by_role("link", name="Open in the dashboard")
        await expect(link).to_have_attribute("href", f"{url}/escalations/escalation%3Aservice%3Agithub")
        await page.get_by_role("button", name="Acknowledge").click()
        await until_there(page, oncall, "Acknowledged by anna: GitHub answered 503")
        await page.get_by_role("button", name="Abort").click()
        await expect(page.get_by_role("dialog")).to_contain_text("End the edition; nothing is posted")
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

        result = await asyncio.wait_for(edition.result(), 90)
        assert result.status is EditionStatus.PARTIAL
        stage.sandbox.faults.clear()
        await until_there(page, oncall, "try what is missing again, now")
        await page.get_by_role("button", name="Retry").click()
        amendment = stage.client.get_workflow_handle(
            names.amendment_id(stage.team, WEEK), result_type=AmendmentProgress
        )
        amended = await asyncio.wait_for(amendment.result(), 60)
        assert (amended.missing, amended.revision) == ((), 2)
        await until_there(page, oncall, "Resolved: GitHub answered 503")
        await expect(page.get_by_role("button", name="Retry")).to_have_count(0)

        await signed_in(page, f"{url}/teams/{stage.team}/editions/{WEEK}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(stage.team)
        await expect(page.locator("dl.facts")).to_contain_text("Revision2")
        await expect(page.locator("dl.facts")).to_contain_text("Sources live100 %")


def ask_reviewers(stage: Stage) -> None:
    stage.slack.add_channel("payments-leads")
    stage.change_team(
        deliver_by="2h",
        approval={"required": True, "reviewers": ["#payments-leads"], "wait": "1h", "on_timeout": "reject"},
    )


async def test_reviewers_agree_by_a_button_on_the_preview(stage: Stage, page: Page) -> None:
    ask_reviewers(stage)
    async with dashboard(stage) as url, worker(stage, url):
        edition = await stage.start()
        leads = f"{stage.sandbox.slack_url}/?channel=payments-leads"
        await until_there(page, leads, "Preview 1, not posted yet")
        assert stage.messages == []
        await page.get_by_role("button", name="Approve").click()
        result = await asyncio.wait_for(edition.result(), 60)
        assert result.approval is not None
        assert (result.status, result.approval.by) == (EditionStatus.COMPLETE, "anna")
        assert stage.messages
        await until_there(page, leads, "Preview: approved by anna")
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        await page.goto(f"{stage.sandbox.slack_url}/?channel={stage.team}")
        link = page.get_by_role("link", name="Open in the dashboard")
        await expect(link).to_have_attribute("href", f"{url}/teams/{stage.team}/editions/{WEEK}")


async def test_a_reviewer_rejects_an_edition_and_says_why(stage: Stage, page: Page) -> None:
    ask_reviewers(stage)
    async with dashboard(stage) as url, worker(stage, url):
        edition = await stage.start()
        leads = f"{stage.sandbox.slack_url}/?channel=payments-leads"
        await until_there(page, leads, "Preview 1, not posted yet")
        link = page.get_by_role("link", name="Open in the dashboard")
        await expect(link).to_have_attribute("href", f"{url}/teams/{stage.team}/editions/{WEEK}/approval")
        await page.get_by_role("button", name="Reject").click()
        form = page.get_by_role("dialog", name="Reject the edition")
        await expect(form).to_contain_text(f"Nothing of {stage.team} {WEEK} is posted then.")
        await form.get_by_label("Why?").fill("  ")
        await form.get_by_role("button", name="Reject").click()
        await expect(form.get_by_role("alert")).to_have_text("Say in a few words why nothing is to be posted.")
        await form.get_by_label("Why?").fill("the wrong repositories")
        await form.get_by_role("button", name="Reject").click()
        result = await asyncio.wait_for(edition.result(), 60)
        assert result.approval is not None
        assert (result.status, result.approval.by) == (EditionStatus.REJECTED, "anna")
        assert result.approval.note == "the wrong repositories"
        assert stage.messages == []
        await until_there(page, leads, "Preview: rejected by anna: the wrong repositories")


async def test_an_alert_is_muted_and_taken_where_it_is_told(stage: Stage, page: Page) -> None:
    configure(stage)
    stage.change_service("jira", "timeouts", **IMPATIENT)
    stage.change_service("jira", "retry", initial="100ms", maximum="200ms")
    async with dashboard(stage, teams=["*"]) as url, worker(stage, url):
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
        await apply(stage)
        await stage.run()
        alerts = f"{stage.sandbox.slack_url}/?channel=changelog-alerts"
        await until_there(page, alerts, "Alert (high): JIRA:")
        told = page.get_by_role("article").filter(has_text="Alert (high): JIRA:")
        await expect(told.get_by_role("link", name="Open in the dashboard")).to_have_attribute(
            "href", f"{url}/alerts#error_rate%3Ajira"
        )
        await told.get_by_role("button", name="Mute 1 h").click()
        await until_there(page, alerts, "Muted")
        await expect(told).to_contain_text("by anna")
        await expect(told.get_by_role("button", name="Mute 1 h")).to_have_count(0)
        await told.get_by_role("button", name="Acknowledge").click()
        await until_there(page, alerts, "Acknowledged by anna: JIRA:")
        await signed_in(page, f"{url}/alerts")
        await expect(page.locator('[id="error_rate:jira"]')).to_contain_text("anna looks after it")


async def signed_in(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()


def worker(stage: Stage, dashboard_url: str) -> AbstractAsyncContextManager[ChildProcess]:
    return clean_worker(stage.directory, stage.environment | {"DASHBOARD_URL": dashboard_url}, "worker", ROOT)


async def until_there(page: Page, url: str, text: str) -> None:
    """The page of messages does not move by itself."""
    async with asyncio.timeout(60):
        while True:
            await page.goto(url)
            if await page.get_by_text(text).count():
                return
            await asyncio.sleep(0.3)
