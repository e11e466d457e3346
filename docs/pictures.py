"""Takes the pictures of the documentation anew, of demos that it plays: `python -m docs.pictures`. Needs Chromium."""

import asyncio
import json
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"

Told = dict[str, Any]
"""What `demo --json` prints."""


class Picture(NamedTuple):
    name: str
    address: Callable[[Told], str]
    shows: str
    """A text that is there when the page is whole."""
    size: tuple[int, int]


def _run_page(told: Told) -> str:
    (edition,) = told["editions"]
    return f"{told['links']['dashboard']}/teams/{edition['team']}/runs/{edition['week']}?run={edition['run_id']}"


PICTURES: dict[str, Sequence[Picture]] = {
    "calm": (
        Picture("slack", lambda told: f"{told['links']['slack']}/?channel=payments", "weekly changelog", (1180, 862)),
        Picture("web-ui-run", lambda told: str(told["links"]["run"]), "Write the run and the edition", (1400, 1400)),
    ),
    "total-outage": (Picture("dashboard-run", _run_page, "Phases", (1280, 860)),),
}
"""By scenario."""


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scenario, pictures in PICTURES.items():
            async with demo(scenario) as told:
                for picture in pictures:
                    await take(browser, picture, told)
        await browser.close()


@asynccontextmanager
async def demo(scenario: str) -> AsyncIterator[Told]:
    """What it told; its servers stay until the block ends."""
    command: list[str | Path] = [
        sys.executable,
        ROOT / "starter.py",
        "demo",
        "--json",
        "--keep",
        "--scenario",
        scenario,
    ]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    try:
        if process.stdout is not None:
            told = json.loads(await process.stdout.readuntil(b"\n}\n"))
            if "error" in told:
                sys.exit(f"the demo {scenario} failed: {told['error']}")
            yield told
    finally:
        with suppress(ProcessLookupError):  # it has ended
            process.send_signal(signal.SIGINT)
        await process.wait()


async def take(browser: Browser, picture: Picture, told: Told) -> None:
    width, height = picture.size
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    await page.goto(picture.address(told))
    await page.get_by_text(picture.shows).first.wait_for()
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=IMAGES / f"{picture.name}.png")
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
