"""Opens what the pages stand on, and serves them."""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import uvicorn
from slack_sdk.signature import SignatureVerifier

from dashboard.app import create_app
from dashboard.feed_addresses import FeedAddresses
from dashboard.openid import OpenId
from dashboard.picture import Watch
from dashboard.sessions import Sessions
from dashboard.site import LiveSettings, Site
from dashboard.slack.door import SlackDoor
from dashboard.slack.forms import Forms
from dashboard.slack.replies import Replies
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, connect
from devsync.runtime.payload_codec import SealedPayloads
from devsync.settings.configuration import load_what_is_right
from devsync.settings.environment import Environment, read_environment
from devsync.settings.live import LiveConfiguration
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.connection import DatabaseUnavailable, NotMigrated, WrongDatabaseUrl
from devsync.storage.database import Database
from devsync.storage.prose import keep_out

_log = logging.getLogger("devsync.dashboard")

CANNOT_START = (
    ConfigError,
    TemporalUnreachable,
    NamespaceUnusable,
    DatabaseUnavailable,
    NotMigrated,
    WrongDatabaseUrl,
)
"""What a person can mend: told in one message, without a traceback."""


async def serve() -> None:
    """Until SIGTERM or SIGINT. Raises what CANNOT_START names."""
    environment = read_environment()
    keep_out(environment.secrets())
    host, _, port = environment.dashboard_address.rpartition(":")
    async with open_site(environment) as site:
        app = create_app(site, hosts=hosts(environment), secure=is_secure(environment))
        config = uvicorn.Config(
            app, host=host.strip("[]"), port=int(port), log_config=None, access_log=False, server_header=False
        )
        await uvicorn.Server(config).serve()


@asynccontextmanager
async def open_site(environment: Environment) -> AsyncIterator[Site]:
    """Raises ConfigError where it would be open to a network."""
    settings = LiveSettings(environment.config_dir / "dashboard.yaml")
    if settings.now().is_open and not _is_loopback(environment.dashboard_address):
        raise ConfigError(
            [
                f"DASHBOARD_ADDRESS {environment.dashboard_address} can be reached from outside, and "
                f"{environment.config_dir / 'dashboard.yaml'} names nobody who may sign in: name somebody there, or "
                "listen on 127.0.0.1"
            ]
        )
    lasting = environment.dashboard_secret.get_secret_value() if environment.dashboard_secret else ""
    secret = lasting or secrets.token_hex(32)
    access, keys = environment.openid(), environment.sealing_keys()
    database = Database(environment.database().get_secret_value())
    slack = slack_door(environment)
    try:
        client = await connect()
        configuration = LiveConfiguration(load_what_is_right(environment.config_dir))
        for problem in configuration.read_last.left_out.values():
            _log.error("a team is left out until its file is right: %s", problem)
        yield Site(
            database=database,
            artifacts=ArtifactStore(database),
            temporal=client,
            watch=Watch(database, client, configuration),
            configuration=configuration,
            live_settings=settings,
            sessions=Sessions(secret, settings.now().session, secure=is_secure(environment)),
            web_ui=(environment.temporal_web_ui or "").rstrip("/"),
            namespace=client.namespace,
            base=environment.dashboard(),
            openid=OpenId(access, environment.dashboard(), secret, secure=is_secure(environment)) if access else None,
            codec=SealedPayloads(keys) if keys else None,
            feeds=FeedAddresses(lasting),
            slack=slack,
        )
    finally:
        if slack is not None:
            await slack.replies.close()
        await database.dispose()


def slack_door(environment: Environment) -> SlackDoor | None:
    """None without a signing secret: then messages have no buttons, either."""
    if environment.slack_signing_secret is None:
        return None
    verifier = SignatureVerifier(environment.slack_signing_secret.get_secret_value())
    token = environment.slack_bot_token
    forms = Forms(environment.slack_api_url, token.get_secret_value()) if token else None
    return SlackDoor(verifier, Replies(environment.slack_api_url), forms)


def is_secure(environment: Environment) -> bool:
    return environment.dashboard_url is not None and urlsplit(environment.dashboard_url).scheme == "https"


def hosts(environment: Environment) -> list[str]:
    """By which names browsers reach it. On loopback no others: a page elsewhere could give its own name our address."""
    ours = ["localhost", "127.0.0.1", "[::1]"]
    if environment.dashboard_url is not None:
        return [*ours, urlsplit(environment.dashboard_url).hostname or ""]
    return ours if _is_loopback(environment.dashboard_address) else ["*"]


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
