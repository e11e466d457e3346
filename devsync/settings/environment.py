"""What the environment says: addresses, secrets, folders. Temporal's own variables are read by its SDK."""

from __future__ import annotations

import base64
import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from devsync.settings.addresses import WebAddress, web_address
from devsync.settings.mail_server import (
    SMTP_CURE,
    Sender,
    SenderAddress,
    SmtpAccess,
    UnsubscribeAddress,
    sender_of,
    smtp_access,
)
from devsync.settings.payload_keys import PayloadKey, payload_keys_of
from devsync.settings.problems import ConfigError

T = TypeVar("T")

_SHORTEST_SECRET: Final = 32


def _keys(text: SecretStr) -> SecretStr:
    payload_keys_of(text.get_secret_value())  # raises ValueError with the reason
    return text


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise ValueError(f"is shorter than {_SHORTEST_SECRET} characters; make one by openssl rand -hex 32")
    return secret


PayloadKeys = Annotated[SecretStr, AfterValidator(_keys)]
"""As `payload_keys_of` reads them."""


def _base(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError(f'"{url}" has more than a path; end it before the ? or #')
    return url.rstrip("/")


BaseAddress = Annotated[WebAddress, AfterValidator(_base)]
"""What paths are put behind: without a slash at its end."""


def _deployment(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError("must be letters, digits, - and _: the server ignores workers of a deployment named otherwise")
    return name


DeploymentName = Annotated[str, AfterValidator(_deployment)]
"""A dot or colon in it would be silently fatal: such a worker runs, and gets no work (Server 1.32)."""


def _program(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
        raise ValueError("must be a-z, 0-9, _ and -, at most 63 characters, as nightly-import")
    return name


ProgramName = Annotated[str, AfterValidator(_program)]
"""It stands in the ids of workflows and in the name of a task queue."""


def _hosts(text: str) -> str:
    for one in text.replace(",", " ").split():
        if "/" in one:
            ipaddress.ip_network(one)  # raises ValueError with the reason
    return text


Hosts = Annotated[str, AfterValidator(_hosts)]
"""Host names, addresses and networks (`10.0.0.0/8`), between commas or spaces."""


def _listening(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        is_right = 0 < int(port) < 65536
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError("must be an IP address and a port, as 127.0.0.1:9464, or 0.0.0.0:9464 for all interfaces")
    return address


ListeningAddress = Annotated[str, AfterValidator(_listening)]
"""An IP address, not a name, and a port; IPv6 in brackets."""


class GitHubApp(NamedTuple):
    """`private_key` is PEM, with real line breaks."""

    app_id: str
    private_key: SecretStr


class GitHubAccess(NamedTuple):
    """A token, or an App (and then no token): `app` decides."""

    url: str
    token: SecretStr
    app: GitHubApp | None = None


class JiraAccess(NamedTuple):
    """Cloud: `email` and its API token. Data Center: a personal access token and no `email`."""

    url: str
    email: str | None
    token: SecretStr


class SlackAccess(NamedTuple):
    """`url` ends with a slash, as slack-sdk joins method names to it."""

    url: str
    token: SecretStr


class OpenIdAccess(NamedTuple):
    """`issuer` exactly as the provider names itself; without a secret the client is a public one."""

    issuer: str
    client_id: str
    secret: SecretStr | None


class WorkerVersion(NamedTuple):
    deployment: str
    build_id: str


_CURES: Final = {
    "GITHUB_TOKEN": "create a fine-grained token with read access to contents and pull requests of the team's"
    " repositories, and export it; or export GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY instead",
    "GITHUB_APP_ID": "copy it from the GitHub App's page General and export it, as GITHUB_APP_PRIVATE_KEY is",
    "GITHUB_APP_PRIVATE_KEY": "generate one on the GitHub App's page General and export the whole PEM file,"
    " as GITHUB_APP_ID is",
    "JIRA_URL": "export the address of the site, as https://acme.atlassian.net or https://jira.acme.dev",
    "JIRA_EMAIL": "export the address of the account that owns JIRA_API_TOKEN (Cloud),"
    " or export JIRA_PAT instead (Data Center)",
    "JIRA_API_TOKEN": "create one at https://id.atlassian.com/manage-profile/security/api-tokens"
    " and export it (Cloud), or export JIRA_PAT instead (Data Center)",
    "SLACK_BOT_TOKEN": "install the Slack app with the scopes chat:write, channels:read, channels:history"
    " and export its bot token (xoxb-…)",
    "OIDC_CLIENT_ID": "register the dashboard with your OpenID provider, with the address"
    " DASHBOARD_URL/sign-in/openid/callback, and export the id of the client",
    "SMTP_URL": SMTP_CURE,
    "MAIL_FROM": "export the address that mails come from, as Changelog <changelog@acme.dev>",
    "DATABASE_URL": "export the address of a PostgreSQL database, as postgresql://user:password@host:5432/devsync,"
    " or run `python starter.py up`, which brings one",
}


_PUBLIC_API: Final = "api.github.com"


class Environment(BaseSettings):
    """Read by `read_environment`. An empty variable counts as not set; a secret never shows in a repr or an error."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, case_sensitive=False
    )

    github_token: SecretStr | None = None
    """Read access to the teams' repositories."""
    github_app_id: str | None = None
    """A GitHub App instead of a token: its id."""
    github_app_private_key: SecretStr | None = None
    """A GitHub App's private key in PEM; line breaks may be written as `\\n`."""
    github_api_url: BaseAddress = "https://api.github.com"
    """GitHub Enterprise Server: `https://github.acme.dev/api/v3`."""
    github_web_url: BaseAddress | None = None
    """Where people see GitHub, for links and feeds; without it, the API's address says it: https://github.com, or
    `https://github.acme.dev` for `https://github.acme.dev/api/v3`."""
    jira_url: BaseAddress | None = None
    """The JIRA site."""
    jira_email: str | None = None
    """JIRA Cloud: the account that owns the API token."""
    jira_api_token: SecretStr | None = None
    """JIRA Cloud: its API token."""
    jira_pat: SecretStr | None = None
    """JIRA Data Center: a personal access token, instead of the two above."""
    slack_bot_token: SecretStr | None = None
    """The Slack app's bot token; in the dashboard, it opens the form that asks why an edition is rejected."""
    slack_signing_secret: SecretStr | None = None
    """Proves that what is pressed comes from Slack: from the app's page Basic Information. Without it, in the workers
    as in the dashboard, messages have no buttons."""
    slack_api_url: BaseAddress = "https://slack.com/api"
    """Slack's Web API; another one only in tests."""
    smtp_url: SecretStr | None = None
    """The mail server, with its password: `smtp://` (STARTTLS where the server offers it; with `?starttls=required`, or
    nothing is sent) or `smtps://`."""
    mail_from: SenderAddress | None = None
    """Who mails come from: `Changelog <changelog@acme.dev>`."""
    mail_unsubscribe: UnsubscribeAddress | None = None
    """Where a reader unsubscribes: `https://…`, which takes a POST without a login (RFC 8058), or `mailto:…`; without
    it by a mail to MAIL_FROM."""
    database_url: SecretStr | None = None
    """The PostgreSQL database, with its password."""
    database_owner_url: SecretStr | None = None
    """The same database, with the role that owns the tables: for `db upgrade` alone; without it, DATABASE_URL."""
    config_dir: Path = Path("config")
    """The folder with `services.yaml`, `delivery.yaml` and `teams/`."""
    templates_dir: Path = Path("templates")
    """The folder with the templates of the renderings."""
    outgoing_private_hosts: Hosts = ""
    """Hosts, addresses and networks of your own that calendars and webhooks of team files may be on:
    `hooks.intern 10.1.0.0/16`."""
    mirrors_dir: Path = Path(".cache/mirrors")
    """The folder for clones of the teams' git mirrors. It may be lost: what is needed is fetched again."""
    payload_keys: PayloadKeys | None = None
    """Seals what Temporal keeps, by AES-GCM: `2026-11:` and 32 bytes in base64; of several between commas the first one
    seals, and all of them open. Without it everything is readable."""
    metrics_address: ListeningAddress | None = None
    """Where the worker serves `/metrics` for Prometheus, as `127.0.0.1:9464`; nowhere without it."""
    dashboard_address: ListeningAddress = "127.0.0.1:8300"
    """Where the dashboard listens."""
    dashboard_url: BaseAddress | None = None
    """How people reach the dashboard, for the safety of its cookies and, in the workers, for the links of messages:
    `https://changelog.acme.dev`."""
    dashboard_secret: Annotated[SecretStr, AfterValidator(_long)] | None = None
    """Signs the dashboard's sessions and the addresses of its feeds, 32 characters or more; without it a restart signs
    everybody out, and feeds are for those who are signed in."""
    oidc_issuer: WebAddress | None = None
    """The OpenID provider through which people sign in, exactly as it names itself: `https://login.acme.dev`."""
    oidc_client_id: str | None = None
    """What the provider calls the dashboard."""
    oidc_client_secret: SecretStr | None = None
    """What the dashboard proves itself with to the provider; a public client has none."""
    temporal_web_ui: BaseAddress | None = None
    """Where people see Temporal's Web UI, for links and for its codec endpoint, which answers pages from there alone:
    `https://temporal.acme.dev`."""
    devsync_program: ProgramName | None = None
    """Of another program that uses the Python API: its own stable name, as `nightly-report`; without it, that of its
    script."""
    heartbeat_url: SecretStr | None = None
    """Called at each look of the monitor, so that a service of others notices when the monitor itself is down; who
    knows the address can call it, so it is a secret. Nowhere without it."""
    worker_deployment: DeploymentName | None = None
    """Worker Versioning: the deployment's name; set both or neither."""
    build_id: str | None = None
    """Worker Versioning: this build."""

    def github(self) -> GitHubAccess:
        """An App is preferred where a token is set as well: many machines have a GITHUB_TOKEN for other work.

        Raises ConfigError naming the variable and the cure, as do all methods here.
        """
        if self.github_app_id is None and self.github_app_private_key is None:
            return GitHubAccess(self.github_api_url, _needed("GITHUB_TOKEN", self.github_token))
        app_id = _needed("GITHUB_APP_ID", self.github_app_id)
        key = _needed("GITHUB_APP_PRIVATE_KEY", self.github_app_private_key).get_secret_value()
        # Many secret stores keep one line only, so that keys come with written line breaks.
        app = GitHubApp(app_id, SecretStr(key.replace("\\n", "\n")))
        return GitHubAccess(self.github_api_url, SecretStr(""), app)

    def github_web(self) -> str:
        """Where GitHub shows its pages to people, without a slash at its end."""
        if self.github_web_url is not None:
            return self.github_web_url
        if urlsplit(self.github_api_url).hostname == _PUBLIC_API:
            return "https://github.com"
        return self.github_api_url.removesuffix("/api/v3")

    def jira(self) -> JiraAccess:
        """A JIRA_PAT is preferred where both kinds of credentials are set: nobody sets it for Cloud."""
        url = _needed("JIRA_URL", self.jira_url)
        if self.jira_pat is not None:
            return JiraAccess(url, None, self.jira_pat)
        return JiraAccess(url, _needed("JIRA_EMAIL", self.jira_email), _needed("JIRA_API_TOKEN", self.jira_api_token))

    def slack(self) -> SlackAccess:
        return SlackAccess(f"{self.slack_api_url.rstrip('/')}/", _needed("SLACK_BOT_TOKEN", self.slack_bot_token))

    def smtp(self) -> SmtpAccess:
        """The mail server, as SMTP_URL says."""
        return smtp_access(_needed("SMTP_URL", self.smtp_url).get_secret_value())

    def sender(self) -> Sender:
        """Who mails come from."""
        return sender_of(_needed("MAIL_FROM", self.mail_from), self.mail_unsubscribe or "")

    def openid(self) -> OpenIdAccess | None:
        """The provider through which people sign in; None: there is none."""
        if self.oidc_issuer is None:
            return None
        client_id = _needed("OIDC_CLIENT_ID", self.oidc_client_id)
        return OpenIdAccess(self.oidc_issuer, client_id, self.oidc_client_secret)

    def dashboard(self) -> str:
        """How people reach the dashboard, without a slash at its end."""
        return self.dashboard_url or f"http://{self.dashboard_address}"

    def database(self) -> SecretStr:
        """The database's address, with its password."""
        return _needed("DATABASE_URL", self.database_url)

    def owned_database(self) -> SecretStr:
        """Its address for the role that owns the tables, or that is to."""
        return self.database_owner_url or self.database()

    def sealing_keys(self) -> tuple[PayloadKey, ...]:
        """What seals payloads, the first one, and opens them, each; none: they stay readable."""
        return payload_keys_of(self.payload_keys.get_secret_value()) if self.payload_keys else ()

    def private_hosts(self) -> frozenset[str]:
        """Names, addresses and networks of our own that team files may lead to."""
        return frozenset(self.outgoing_private_hosts.replace(",", " ").split())

    def secrets(self) -> tuple[str, ...]:
        """Every secret's text, and the passwords in addresses: what must stand in no message."""
        found: list[str] = []
        for _, value in self:
            if isinstance(value, SecretStr):
                text = value.get_secret_value()
                found += [text, *_passwords(text)]
        found += [base64.b64encode(key.secret).decode() for key in self.sealing_keys()]
        return tuple(found)

    def heartbeat(self) -> str | None:
        """Where the monitor says that it is alive."""
        if self.heartbeat_url is None:
            return None
        try:
            return web_address(self.heartbeat_url.get_secret_value())
        except ValueError:  # whose message quotes it
            raise ConfigError(["HEARTBEAT_URL is no address; write it with https:// and without a user"]) from None

    def worker_version(self) -> WorkerVersion | None:
        """What Worker Versioning calls this build; None where neither variable is set."""
        if self.worker_deployment is None and self.build_id is None:
            return None
        if self.worker_deployment is None or self.build_id is None:
            missing = "BUILD_ID" if self.build_id is None else "WORKER_DEPLOYMENT"
            other = "WORKER_DEPLOYMENT" if self.build_id is None else "BUILD_ID"
            raise ConfigError([f"{missing} is not set, but {other} is: set both or neither"])
        return WorkerVersion(self.worker_deployment, self.build_id)


def read_environment(**instead: Any) -> Environment:
    """The environment of this process, with what is given in the place of variables. Raises ConfigError naming each
    variable whose value cannot be used."""
    try:
        return Environment(**instead)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
    raise ConfigError(
        f"{str(error['loc'][0]).upper()} {error['msg'].removeprefix('Value error, ')}" for error in errors
    )


def _passwords(address: str) -> tuple[str, ...]:
    """As written in an address, and as it is sent."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return ()
    return (password, unquote(password)) if password else ()


def _needed(variable: str, value: T | None) -> T:
    if value is None:
        raise ConfigError([f"{variable} is not set: {_CURES[variable]}"])
    return value
