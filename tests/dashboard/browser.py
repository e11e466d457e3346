"""A real browser for tests of pages: Chromium by Playwright, and axe-core for accessibility.

Chromium is the system's, axe-core comes from npm (tests/npm.py): where either is missing the tests are skipped, and
with DEVSYNC_NO_SKIP=1 that is a failure.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.async_api import Browser, Page, Request, ViewportSize, async_playwright

from tests.dashboard.conftest import House
from tests.npm import file_of_package

AXE: Final = ("axe-core@4.14.1", "package/axe.min.js")
WCAG_2_1_AA: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
DESKTOP: Final = ViewportSize(width=1280, height=900)
PHONE: Final = ViewportSize(width=390, height=844)

_NOTE_VIOLATIONS: Final = """
  window.policyViolations = [];
  document.addEventListener("securitypolicyviolation",
    (event) => window.policyViolations.push(`${event.violatedDirective}: ${event.blockedURI || event.sample}`));
"""
_RUN_AXE: Final = """
  async (tags) => (await axe.run(document, { runOnly: { type: "tag", values: tags } })).violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3).join(" | ")}`)
"""
_FIRST_PAINT: Final = """
  () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null
"""
_WITHOUT_SHADOWS: Final = """
  () => {
    const plain = new CSSStyleSheet();
    plain.replaceSync(".scroll { background-image: none; }");
    document.adoptedStyleSheets = [plain];
  }
"""
"""Of tables' edges: axe measures no contrast against a gradient."""
_OUT_OF_REACH: Final = """
  () => [...document.querySelectorAll("main *")]
    .filter((place) => place.scrollWidth > place.clientWidth && getComputedStyle(place).overflowX === "auto")
    .filter((place) => place.tabIndex !== 0 || !place.role || !place.ariaLabel)
    .map((place) => place.outerHTML.slice(0, 200))
"""
_OVERFLOW: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Skips the test where there is none."""
    executable = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(_CHROMIUM)} is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """Its address: over real connections, on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://localhost:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def cookies_of(house: House, name: str, base: str) -> list[Any]:
    """Of somebody who has signed in; `root` may see and do everything."""
    visitor = await house.visitor(name)
    return [{"name": one.name, "value": one.value, "url": base} for one in visitor.http.cookies.jar]


@dataclass
class Seen:
    """What a browser noticed of one page."""

    address: str
    status: int
    is_page: bool = False
    said: list[str] = field(default_factory=list)
    """Errors and warnings on the console, and exceptions of scripts."""
    refused: list[str] = field(default_factory=list)
    """What the content policy did not let happen."""
    foreign: list[str] = field(default_factory=list)
    """Requests to other hosts."""
    bytes: int = 0
    """That came over the wire, without fonts."""
    first_paint: float | None = None
    """Milliseconds from the request to the first content."""
    barriers: dict[str, list[str]] = field(default_factory=dict)
    """What axe found, by theme and width."""
    too_wide: list[str] = field(default_factory=list)
    """Where the page itself scrolls to the side."""
    out_of_reach: list[str] = field(default_factory=list)
    """What scrolls to the side on a phone, and cannot be reached by keys or has no name there."""
    links: list[str] = field(default_factory=list)
    """Paths on the same host."""


async def look_at(browser: Browser, base: str, path: str, cookies: Any) -> Seen:
    """Opens it with nothing in the cache, light and wide, then dark and narrow."""
    context = await browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    await context.add_cookies(cookies)
    await context.add_init_script(_NOTE_VIOLATIONS)
    page = await context.new_page()
    seen = Seen(address=path, status=0)
    await _listen(page, seen, urlsplit(base).netloc)
    answer = await page.goto(base + path, wait_until="commit")
    seen.status = answer.status if answer else 0
    seen.is_page = answer is not None and answer.headers.get("content-type", "").startswith("text/html")
    if not seen.is_page:  # a stream of events, a feed, a file
        await context.close()
        return seen
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(300)  # what the page asks for by itself: its first paint, its first events
    seen.first_paint = await page.evaluate(_FIRST_PAINT)
    await page.evaluate(file_of_package(*AXE).read_text())
    await page.evaluate(_WITHOUT_SHADOWS)
    seen.barriers["light"] = await page.evaluate(_RUN_AXE, WCAG_2_1_AA)
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    await page.wait_for_timeout(200)  # charts are drawn anew
    seen.barriers["dark, on a phone"] = await page.evaluate(_RUN_AXE, WCAG_2_1_AA)
    seen.out_of_reach += await page.evaluate(_OUT_OF_REACH)
    if await page.evaluate(_OVERFLOW) > 0:
        seen.too_wide.append("on a phone")
    seen.refused += await page.evaluate("() => window.policyViolations")
    seen.links = await page.eval_on_selector_all("a[href^='/']", "all => all.map((one) => one.getAttribute('href'))")
    await context.close()
    return seen


async def first_paint(browser: Browser, base: str, path: str, cookies: Any) -> float:
    """Of one more visit, with nothing in the cache."""
    context = await browser.new_context(viewport=DESKTOP)
    await context.add_cookies(cookies)
    page = await context.new_page()
    await page.goto(base + path, wait_until="load")
    await page.wait_for_timeout(300)
    found = await page.evaluate(_FIRST_PAINT)
    await context.close()
    return inf if found is None else float(found)


async def _listen(page: Page, seen: Seen, host: str) -> None:
    page.on("console", lambda said: seen.said.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: seen.said.append(str(error)))

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != host:
            seen.foreign.append(request.url)

    page.on("request", asked)
    fonts: set[str] = set()
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")
    wire.on(
        "Network.responseReceived", lambda event: fonts.add(event["requestId"]) if event["type"] == "Font" else None
    )

    def arrived(event: dict[str, Any]) -> None:
        if event["requestId"] not in fonts:
            seen.bytes += int(event["encodedDataLength"])

    wire.on("Network.loadingFinished", arrived)
