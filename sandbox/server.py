"""`python -m sandbox.server`: all stand-ins in one process, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from sandbox.running import SERVICES, Sandbox, run_sandbox
from sandbox.slack import WORKSPACE
from sandbox.world import World
from sandbox.worlds.choice import add_world_options, world_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    add_world_options(parser)
    parser.add_argument("--services", default=",".join(SERVICES), help="comma-separated; default: %(default)s")
    parser.add_argument("--ports-file", type=Path, metavar="FILE", help="also write the document there, once ready")
    parser.add_argument("--slack-interactions", default="", metavar="URL", help="where Slack sends what is pressed")
    options = parser.parse_args()
    try:
        world = world_of(options)
    except ValueError as error:
        parser.error(str(error))
    services = options.services.split(",")
    if unknown := [service for service in services if service not in SERVICES]:
        parser.error(f"there is no service {unknown[0]}; there are {', '.join(SERVICES)}")
    asyncio.run(serve(world, services, options.ports_file, options.slack_interactions))
    return 0


async def serve(world: World, services: list[str], ports_file: Path | None, slack_interactions: str = "") -> None:
    """Serves until SIGTERM or SIGINT; says where on standard output, and in `ports_file`, as one JSON document."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with run_sandbox(world, services=services) as sandbox:
        if "slack" in sandbox.apps:
            sandbox.apps["slack"][WORKSPACE].interactivity_url = slack_interactions
        document = _document(sandbox)
        if ports_file is not None:
            _write_at_once(ports_file, document)
        sys.stdout.buffer.write(document + b"\n")
        sys.stdout.buffer.flush()
        await stop.wait()


def _document(sandbox: Sandbox) -> bytes:
    return orjson.dumps(
        {
            "urls": sandbox.urls,
            "environment": sandbox.environment,
            "week": sandbox.world.week,
            "teams": [asdict(team) for team in sandbox.world.teams],
            "mirrors": sandbox.mirrors,
            "status_pages": sandbox.status_pages,
            "pid": os.getpid(),
        },
        option=orjson.OPT_INDENT_2,
    )


def _write_at_once(path: Path, content: bytes) -> None:
    """A reader that waits for the file never sees half of it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main())
