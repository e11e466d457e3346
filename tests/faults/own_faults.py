"""Ways to bring about what goes wrong on our own side: in files, in the database, in this process."""

import asyncio
import os
import resource
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from activities.clients.github import GitHubClient
from activities.clients.github_access import PersonalToken
from activities.editions import EditionActivities
from activities.rendering import RenderingActivities
from devsync.contracts.activities import PLAN_EDITION, RENDER_EDITION
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.edition import PlanEdition, RenderEdition
from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.postgres import embedded_postgres
from tests.faults.attempts import Failed, attempt, attempt_of
from tests.rendering.samples import normal

NOBODY = 65534
TEMPLATE = "edition.md.j2"


@dataclass
class Side:
    """Our side of one attempt: a configuration, templates, and a database that may be broken."""

    directory: Path
    database: Database
    empty: Database
    """Without tables."""

    @property
    def config(self) -> Path:
        return self.directory / "config"

    @property
    def template(self) -> Path:
        return self.directory / "templates" / "markdown" / TEMPLATE

    async def plan(self) -> Failed | None:
        message = PlanEdition(team="payments", iso_week="2026-W47")
        return await attempt_of(PLAN_EDITION, self._editions().plan, message)

    async def render(self, edition: ArtifactRef | None = None, *, database: Database | None = None) -> Failed | None:
        """With a store of its own, which remembers nothing."""
        edition = edition or await self.put(normal().model_dump_json().encode())
        message = RenderEdition(team="payments", edition=edition, revision=1)
        return await attempt_of(RENDER_EDITION, self._renderings(database).render, message)

    async def put(self, content: bytes) -> ArtifactRef:
        return await ArtifactStore(self.database).put(content, kind="edition", team="payments")

    async def execute(self, *statements: str) -> Failed | None:
        async def run() -> None:
            await self.database.execute(*map(text, statements))

        return await attempt("local.execute", run)

    def _editions(self, database: Database | None = None) -> EditionActivities:
        used = database or self.database
        return EditionActivities(self.config, ArtifactStore(used), used)

    def _renderings(self, database: Database | None) -> RenderingActivities:
        return RenderingActivities(self.directory / "templates", ArtifactStore(database or self.database))


Way = Callable[[Side], Awaitable[Failed | None]]

WAYS: dict[str, Way] = {}
"""By the names that `matrix.OWN` gives them."""


def way(name: str) -> Callable[[Way], Way]:
    def known(function: Way) -> Way:
        WAYS[name] = function
        return function

    return known


# Files.


@way("a team file that is no YAML")
async def _bad_team(side: Side) -> Failed | None:
    (side.config / "teams" / "payments.yaml").write_text("team: [payments\n")
    return await side.plan()


@way("a value in services.yaml that cannot be")
async def _bad_value(side: Side) -> Failed | None:
    services = side.config / "services.yaml"
    services.write_text(services.read_text().replace("factor: 2", "factor: 0", 1))
    return await side.plan()


@way("a template with a slip of the pen")
async def _bad_template(side: Side) -> Failed | None:
    side.template.write_text("{% for item in items %}")
    return await side.render()


@way("a template that names what is not there")
async def _undefined(side: Side) -> Failed | None:
    side.template.write_text("{{ edition_of_last_year }}")
    return await side.render()


@way("a template that was deleted")
async def _no_template(side: Side) -> Failed | None:
    side.template.unlink()
    return await side.render()


@way("a template that may not be read")
async def _unreadable(side: Side) -> Failed | None:
    edition = await side.put(normal().model_dump_json().encode())
    side.template.chmod(0)
    with _nobody():
        return await side.render(edition)


@way("a folder that may not be written")
async def _read_only(side: Side) -> Failed | None:
    side.config.chmod(0o555)
    with _nobody():
        return await attempt("local.write", (side.config / "new").write_text, "text")


@way("a full disk")
async def _disk_full(_side: Side) -> Failed | None:
    return await attempt("local.write", Path("/dev/full").write_text, "text")


# This process.


@way("too many open files, reading the configuration")
async def _no_more_files(side: Side) -> Failed | None:
    with _few_files():
        return await side.plan()


@way("too many open files, calling a service")
async def _no_more_connections(_side: Side) -> Failed | None:
    client = _github("http://localhost:1")
    with _few_files():
        return await _ask(client)


@way("no memory")
async def _no_memory(_side: Side) -> Failed | None:
    return await attempt("local.compose", bytearray, 1 << 62)


# The database.


@way("PostgreSQL stopped")
async def _stopped(side: Side) -> Failed | None:
    edition = await side.put(b"{}")
    async with embedded_postgres(side.directory / "postgres") as server:
        await asyncio.to_thread(migrate.upgrade, server.url())
        database = Database(server.url(), pool_size=1)
        await database.check()
        await server.stop()
        try:
            return await side.render(edition, database=database)
        finally:
            await database.dispose()


@way("PostgreSQL not migrated")
async def _not_migrated(side: Side) -> Failed | None:
    return await side.render(await side.put(b"{}"), database=side.empty)


@way("PostgreSQL too slow")
async def _too_slow(side: Side) -> Failed | None:
    return await side.execute("SET LOCAL statement_timeout = '50ms'", "SELECT pg_sleep(3)")


@way("PostgreSQL refuses a row")
async def _twice(side: Side) -> Failed | None:
    row = "INSERT INTO artifacts VALUES ('d', 'payments', 'k', 1, 'a-value')"
    return await side.execute(row, row)


@way("PostgreSQL's role lacks a right")
async def _no_right(side: Side) -> Failed | None:
    return await side.execute("CREATE ROLE guest", "SET LOCAL ROLE guest", "SELECT * FROM artifacts")


@way("an artifact changed in the database")
async def _damaged(side: Side) -> Failed | None:
    edition = await side.put(b"{}")
    other = await side.put(b"[]")
    swap = f"UPDATE artifacts SET content = (SELECT content FROM artifacts WHERE digest = '{other.digest}')"
    await side.database.execute(text(swap))
    return await side.render(edition)


@way("an artifact of another form")
async def _foreign(side: Side) -> Failed | None:
    return await side.render(await side.put(b'{"team": "payments", "items": "a-value"}'))


# Connections.


@way("a host name that nobody knows")
async def _no_host(_side: Side) -> Failed | None:
    return await _ask(_github("http://github.invalid"))


@way("a certificate that nobody signed")
async def _untrusted(_side: Side) -> Failed | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(_side.directory))
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        port = runner.addresses[0][1]
        return await _ask(_github(f"https://localhost:{port}"))
    finally:
        await runner.cleanup()


def _github(url: str) -> GitHubClient:
    return GitHubClient(base_url=url, tokens=PersonalToken("token"), concurrency=1, read_timeout=timedelta(seconds=2))


async def _ask(client: GitHubClient) -> Failed | None:
    return await attempt("github.list", client.list_page, "acme/api", "pulls", {}, 1, lambda: None, list)


def _self_signed(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pem


@contextmanager
def _few_files() -> Iterator[None]:
    """No file or connection can be opened inside; those that are open stay."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _nobody() -> Iterator[None]:
    """Root may read and write everything: inside, this process is nobody to the file system."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
