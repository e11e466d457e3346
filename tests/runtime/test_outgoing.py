"""No address of a team file leads into our own network, whatever its name says and however it is written."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx
import pytest
from aiohttp import web

from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.runtime.outgoing import GuardedTransport, allowed_addresses, guarded_client, is_public

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fe80::1%eth0", "2606:2800:220:1::1%eth0",
    ],
)  # fmt: skip
def test_addresses_of_private_networks_are_known_in_every_form(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_one_private_address_among_public_ones_forbids_the_name() -> None:
    with pytest.raises(AddressForbidden, match=r"cal\.acme\.dev is at 10\.0\.0\.7"):
        allowed_addresses("cal.acme.dev", [PUBLIC, "10.0.0.7"], private_hosts=())


@pytest.mark.parametrize("written", ["cal.acme.dev", "10.0.0.7", "10.0.0.0/8"])
def test_what_the_operator_names_may_be_private(written: str) -> None:
    assert allowed_addresses("Cal.Acme.Dev.", ["10.0.0.7"], private_hosts=[written]) == ("10.0.0.7",)


@pytest.mark.parametrize("written", ["acme.dev", "10.0.0.8", "10.0.0.0/30", "fd00::/8", "10.0.0.1/8"])
def test_what_the_operator_does_not_name_may_not(written: str) -> None:
    with pytest.raises(AddressForbidden):
        allowed_addresses("cal.acme.dev", ["10.0.0.7"], private_hosts=[written])


def test_a_network_does_not_allow_the_name_its_other_addresses() -> None:
    with pytest.raises(AddressForbidden, match=r"169\.254\.169\.254"):
        allowed_addresses("cal.acme.dev", ["10.0.0.7", "169.254.169.254"], private_hosts=["10.0.0.0/8"])


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that answers with a private address the second time is not asked a second time."""
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(httpx.Request("GET", request.url, headers=request.headers, extensions=request.extensions))
        return httpx.Response(200)

    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> Collection[str]:
        return next(answers)

    transport = GuardedTransport((), httpx.MockTransport(answer), rebinding)
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://cal.acme.dev/team.ics")
        with pytest.raises(AddressForbidden):
            await client.get("https://cal.acme.dev/team.ics")
    (request,) = seen
    assert request.url.host == PUBLIC
    assert (request.headers["Host"], request.extensions["sni_hostname"]) == ("cal.acme.dev", "cal.acme.dev")


async def test_a_name_in_another_script_is_asked_for_as_dns_writes_it() -> None:
    asked: list[str] = []

    async def public(host: str, _port: int) -> Collection[str]:
        asked.append(host)
        return [PUBLIC]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.extensions["sni_hostname"])

    async with httpx.AsyncClient(transport=GuardedTransport((), httpx.MockTransport(answer), public)) as client:
        told = (await client.get("https://kalender.bücher.example/team.ics")).text
    assert [told, *asked] == ["kalender.xn--bcher-kva.example"] * 2


@asynccontextmanager
async def local_server(connections: set[object] | None = None) -> AsyncIterator[tuple[str, list[str]]]:
    """An address on this machine, and the paths that were asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if connections is not None:
            connections.add(request.transport)
        return web.Response(status=302, headers={"Location": "/secret"})

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def client_for(*private_hosts: str) -> httpx.AsyncClient:
    second = timedelta(seconds=1)
    return guarded_client(private_hosts, connect_timeout=second, read_timeout=second)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "0x7f000001"])
async def test_this_machine_is_not_asked(host: str) -> None:
    async with local_server() as (url, asked), client_for() as client:
        with pytest.raises((AddressForbidden, httpx.ConnectError)) as caught:
            await client.get(url.replace("localhost", host) + "/team.ics")
    assert asked == []
    if host == "localhost":
        assert classify(caught.value, "calendar", NOW).category is ErrorCategory.CONFIGURATION


async def test_redirects_are_not_followed() -> None:
    async with local_server() as (url, asked), client_for("localhost") as client:
        answer = await client.get(f"{url}/team.ics")
    assert answer.status_code == 302
    assert asked == ["/team.ics"]


async def test_no_connection_is_used_twice() -> None:
    """Two names may share an address; the certificate was checked for the first of them alone."""
    connections: set[object] = set()
    async with local_server(connections) as (url, asked), client_for("localhost", "127.0.0.1") as client:
        await client.get(f"{url}/team.ics")
        await client.get(f"{url.replace('localhost', '127.0.0.1')}/team.ics")
    assert (len(asked), len(connections)) == (2, 2)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with local_server() as (url, asked), client_for("localhost") as client:
        await client.get(f"{url}/team.ics")
    assert asked == ["/team.ics"]


async def test_a_name_that_nobody_knows_is_a_failure_of_the_network() -> None:
    async with client_for() as client:
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get("https://calendar.invalid/team.ics")
    assert classify(caught.value, "calendar", NOW).category is ErrorCategory.NETWORK
