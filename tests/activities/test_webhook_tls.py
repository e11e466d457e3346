"""TLS to the address that was checked, with the certificate of the host that was asked for."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpx import ConnectError

from activities.clients.webhook import WebhookClient
from devsync.runtime.classification import classify

SECRET = [b"x" * 32]


def certificate(host: str, folder: Path) -> Path:
    """Signed by itself, for that name and no address; with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def receiver(pem: Path) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The address of a server with that certificate, and the heads of the requests that it took."""
    heads: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/hook", heads


async def send(url: str, trusted: Path) -> None:
    second = timedelta(seconds=1)
    context = ssl.create_default_context(cafile=str(trusted))
    client = WebhookClient(
        private_hosts=["localhost"], concurrency=1, connect_timeout=second, read_timeout=second, verify=context
    )
    try:
        await client.send(url, b"{}", message_id="m", at=datetime.now(UTC), secrets=SECRET)
    finally:
        await client.close()


async def test_the_certificate_is_that_of_the_host_and_so_is_the_request(tmp_path: Path) -> None:
    pem = certificate("localhost", tmp_path)
    async with receiver(pem) as (url, heads):
        await send(url, pem)
    (head,) = heads
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert f"host: {url.split('/')[2]}".encode() in head.lower()


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    pem = certificate("elsewhere.test", tmp_path)
    async with receiver(pem) as (url, heads):
        with pytest.raises(ConnectError) as raised:
            await send(url, pem)
    assert heads == []
    assert classify(raised.value, "webhook", datetime.now(UTC)).code == "certificate"
