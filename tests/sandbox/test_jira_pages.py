"""What a person sees behind the link to an issue."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.jira import build_app
from sandbox.service import Credentials
from tests.sandbox.jira_samples import NOW, small_world


@pytest.mark.parametrize("deployment", ["cloud", "data-center"])
async def test_the_page_of_an_issue_needs_no_login_and_other_pages_are_not_there(deployment: str) -> None:
    world = small_world()
    world.jira_deployment = deployment  # type: ignore[assignment]
    issue = next(iter(world.projects.values())).issues[0]
    issue.summary = "<b>Pay</b> & go"
    async with TestClient(TestServer(build_app(world, Credentials(), lambda: NOW))) as browser:
        page = await browser.get(f"/browse/{issue.key}")
        missing = await browser.get("/browse/NONE-1")
        assert (page.status, page.content_type, missing.status) == (200, "text/html", 404)
        assert f"<h1>{issue.key} &lt;b&gt;Pay&lt;/b&gt; &amp; go</h1>" in await page.text()
