"""Git's smart HTTP protocol: aiohttp in front of git's own `http-backend`, which speaks CGI."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from sandbox.git.bare import bare_repository
from sandbox.service import Clock, Credentials
from sandbox.world import Repository, World

_SETTINGS = {
    "safe.directory": "*",
    "uploadpack.allowFilter": "true",
}
"""Of every repository that is served: whoever owns the folder, and clones without files."""


class GitServer:
    """Serves what git can make of the world; a repository that it cannot make has no mirror: 404."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._folder: Path | None = None
        self._made: dict[str, tuple[tuple[int, int], Path | None]] = {}
        """By name: the repository's state when it was made, and where it lies."""
        self._making = asyncio.Lock()

    async def live(self, _app: web.Application) -> AsyncIterator[None]:
        self._folder = Path(tempfile.mkdtemp(prefix="sandbox-git-"))
        yield
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def answer(self, request: web.Request) -> web.Response:
        repository = self._world.repository_named(f"{request.match_info['owner']}/{request.match_info['name']}")
        path = await self._path_of(repository) if repository is not None else None
        if path is None:
            return web.Response(status=404, text="Repository not found.\n")
        return await _from_backend(request, path, f"/{request.match_info['rest']}")

    async def _path_of(self, repository: Repository) -> Path | None:
        if repository.git_path is not None:
            return repository.git_path
        async with self._making:
            state = (repository.revision, repository.mirror_lacks)
            made = self._made.get(repository.full_name)
            if made is None or made[0] != state:
                assert self._folder is not None, "requests come while the application lives"
                folder = self._folder / f"{repository.id}-{state[0]}-{state[1]}.git"
                made = state, await asyncio.to_thread(bare_repository, repository, folder)
                self._made[repository.full_name] = made
            return made[1]


def build_app(world: World, _credentials: Credentials, _clock: Clock) -> web.Application:
    server = GitServer(world)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.cleanup_ctx.append(server.live)
    app.add_routes([web.route("*", "/{owner}/{name}.git/{rest:.*}", server.answer)])
    return app


async def _from_backend(request: web.Request, repository: Path, path: str) -> web.Response:
    body = await request.read()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "GIT_PROJECT_ROOT": str(repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "PATH_INFO": path,
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
    }
    for number, (name, value) in enumerate(_SETTINGS.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    backend = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    output, _ = await backend.communicate(body)
    return _of_cgi(output)


def _of_cgi(output: bytes) -> web.Response:
    head, _, body = output.partition(b"\r\n\r\n")
    headers = {
        name.decode(): value.strip().decode()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n") if line)
    }
    status = int(headers.pop("Status", "200").split()[0])
    return web.Response(status=status, headers=headers, body=body)
