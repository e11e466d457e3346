"""How the product proves to GitHub who it is: a token, or a GitHub App whose tokens live an hour and are renewed."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from github import Auth, GithubIntegration
from github.GithubException import UnknownObjectException

from devsync.settings.environment import GitHubAccess
from devsync.settings.problems import ConfigError

WhileWaiting = Callable[[], None]

_WAKE_SECONDS = 2.0


class GitHubTokens(Protocol):
    """Where each request gets its token from; called from many threads."""

    def token_for(self, repository: str, while_waiting: WhileWaiting) -> str:
        """A token that GitHub accepts for the repository now."""

    def is_replaced(self, repository: str, token: str) -> bool:
        """Told that GitHub refused this token: whether the next `token_for` gives another one."""


class HeldToken(Auth.Auth):
    """The token of the next request on one connection. As PyGithub's own kind it is masked in PyGithub's log."""

    def __init__(self) -> None:
        self.value = ""

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        return self.value


class PersonalToken:
    """One token for everything; nothing replaces it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token_for(self, repository: str, while_waiting: WhileWaiting) -> str:
        return self._token

    def is_replaced(self, repository: str, token: str) -> bool:
        return False


class AppTokens:
    """Installation tokens of a GitHub App, one an account, shared by all connections of the process.

    PyGithub asks for the next one 20 s before the last one ends; a request bounded by 10 s never carries one that
    ends on the way. One that GitHub refuses before its time (revoked, or our clock is wrong) is replaced once.
    Raises ConfigError when the key cannot sign.
    """

    def __init__(self, *, base_url: str, app_id: str, private_key: str, timeout: timedelta) -> None:
        # At DEBUG PyGithub logs whole answers: a new token would stand there.
        logging.getLogger("github.Requester").setLevel(logging.INFO)
        self._app = Auth.AppAuth(app_id, private_key)
        self._must_sign()
        self._integration = GithubIntegration(
            auth=self._app,
            base_url=base_url.rstrip("/"),
            timeout=max(1, int(timeout.total_seconds())),
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="devsync-changelog",
        )
        self._installations: dict[str, Auth.AppInstallationAuth] = {}
        self._asking = threading.Lock()

    def token_for(self, repository: str, while_waiting: WhileWaiting) -> str:
        """Raises ConfigError where the App is not installed, and what PyGithub and requests raise."""
        while not self._asking.acquire(timeout=_WAKE_SECONDS):
            while_waiting()
        try:
            owner = _owner(repository)
            if owner not in self._installations:
                self._installations[owner] = self._installation(repository)
            return self._installations[owner].token
        finally:
            self._asking.release()

    def is_replaced(self, repository: str, token: str) -> bool:
        with self._asking:
            held = self._installations.get(_owner(repository))
            if held is not None and held.token == token:
                # A new object: PyGithub's has no way to drop a token that it believes to be good.
                fresh = self._app.get_installation_auth(held.installation_id, requester=self._integration.requester)
                self._installations[_owner(repository)] = fresh
            return held is not None

    def _installation(self, repository: str) -> Auth.AppInstallationAuth:
        owner, _, name = repository.partition("/")
        try:
            installation = self._integration.get_repo_installation(owner, name)
        except UnknownObjectException:
            raise ConfigError(
                [
                    f"the GitHub App {self._app.app_id} cannot see {repository}: install it on {owner} "
                    "with access to this repository, or correct the team file"
                ]
            ) from None
        return self._app.get_installation_auth(installation.id, requester=self._integration.requester)

    def _must_sign(self) -> None:
        try:
            self._app.create_jwt()
        except (jwt.PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
            # Without the cause: its text may hold a piece of the key.
            problem = "GITHUB_APP_PRIVATE_KEY is no RSA private key in PEM form"
            raise ConfigError(
                [f"{problem}: export the whole file that GitHub gave, line breaks as \\n or real"]
            ) from None


def tokens_of(access: GitHubAccess, *, timeout: timedelta) -> GitHubTokens:
    """The tokens of what the environment names. Raises ConfigError for a key that cannot sign."""
    if access.app is None:
        return PersonalToken(access.token.get_secret_value())
    return AppTokens(
        base_url=access.url,
        app_id=access.app.app_id,
        private_key=access.app.private_key.get_secret_value(),
        timeout=timeout,
    )


def _owner(repository: str) -> str:
    return repository.partition("/")[0].casefold()
