"""How the product proves to GitHub who it is: a token, or a GitHub App whose tokens live an hour and are renewed."""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from github import Auth, GithubIntegration
from github.GithubException import UnknownObjectException

from activities.clients.beats import Beat, BeatingGate, alone
from activities.clients.github_answers import Answer
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.classification import MalformedAnswer
from devsync.settings.environment import GitHubAccess
from devsync.settings.problems import ConfigError

_RENEWED_BEFORE = timedelta(seconds=20)


class GitHubTokens(Protocol):
    """Where each request gets its token from; called from many threads."""

    def token_for(self, repository: str, beat: Beat) -> str:
        """A token that GitHub accepts for the repository now."""

    def is_replaced(self, repository: str, token: str, beat: Beat) -> bool:
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

    def token_for(self, repository: str, beat: Beat) -> str:
        return self._token

    def is_replaced(self, repository: str, token: str, beat: Beat) -> bool:
        return False


@dataclass
class _Installation:
    """The App on one account, and its token as long as it has one."""

    number: int
    token: str = ""
    ends_at: datetime | None = None


class AppTokens:
    """Installation tokens of a GitHub App, one an account, shared by all connections of the process.

    The next one is asked for 20 s before the last one ends; a request bounded by 10 s never carries one that ends on
    the way. One that GitHub refuses before its time (revoked, or our clock is wrong) is replaced once.
    Raises ConfigError when the key cannot sign.
    """

    def __init__(
        self, *, base_url: str, app_id: str, private_key: str, timeout: timedelta, gate: CallGate = UNGATED
    ) -> None:
        # At DEBUG PyGithub logs whole answers: a new token would stand there.
        logging.getLogger("github.Requester").setLevel(logging.INFO)
        self._app = Auth.AppAuth(app_id, private_key)
        self._must_sign()
        self._requester = GithubIntegration(
            auth=self._app,
            base_url=base_url.rstrip("/"),
            timeout=max(1, int(timeout.total_seconds())),
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            user_agent="devsync-changelog",
        ).requester
        self._gate = gate
        self._installations: dict[str, _Installation] = {}
        self._asking = threading.Lock()

    def token_for(self, repository: str, beat: Beat) -> str:
        """Raises ConfigError where the App is not installed, what PyGithub and requests raise, MalformedAnswer, and
        CircuitOpen or ServicePaused where the gate lets no call through.
        """
        gate = BeatingGate(self._gate, beat)
        with alone(self._asking, beat):
            owner = _owner(repository)
            if owner not in self._installations:
                self._installations[owner] = _Installation(self._find_installation(repository, gate))
            installation = self._installations[owner]
            if installation.ends_at is None or installation.ends_at - _RENEWED_BEFORE < datetime.now(UTC):
                self._renew(installation, gate)
            return installation.token

    def is_replaced(self, repository: str, token: str, beat: Beat) -> bool:
        with alone(self._asking, beat):
            held = self._installations.get(_owner(repository))
            if held is not None and held.token == token:
                self._installations[_owner(repository)] = _Installation(held.number)
            return held is not None

    def _find_installation(self, repository: str, gate: CallGate) -> int:
        operation = f"GET /repos/{repository}/installation"
        with gate.call(operation):
            try:
                number: int = self._asked("GET", f"/repos/{repository}/installation").field("id", int, operation)
            except UnknownObjectException:
                raise ConfigError(
                    [
                        f"the GitHub App {self._app.app_id} cannot see {repository}: install it on "
                        f"{repository.partition('/')[0]} with access to this repository, or correct the team file"
                    ]
                ) from None
        return number

    def _renew(self, installation: _Installation, gate: CallGate) -> None:
        path = f"/app/installations/{installation.number}/access_tokens"
        operation = f"POST {path}"
        with gate.call(operation):
            answer = self._asked("POST", path)
            token, ends_at = answer.field("token", str, operation), answer.field("expires_at", str, operation)
            try:
                installation.ends_at = datetime.fromisoformat(ends_at).astimezone(UTC)
            except ValueError as error:
                raise MalformedAnswer("github", operation, "an expires_at that is no time") from error
            installation.token = token

    def _asked(self, verb: str, path: str) -> Answer:
        return Answer(*self._requester.requestJson(verb, path, input={} if verb == "POST" else None)).accepted()

    def _must_sign(self) -> None:
        try:
            self._app.create_jwt()
        except (jwt.PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
            # Without the cause: its text may hold a piece of the key.
            problem = "GITHUB_APP_PRIVATE_KEY is no RSA private key in PEM form"
            raise ConfigError(
                [f"{problem}: export the whole file that GitHub gave, line breaks as \\n or real"]
            ) from None


def tokens_of(access: GitHubAccess, *, timeout: timedelta, gate: CallGate = UNGATED) -> GitHubTokens:
    """The tokens of what the environment names. Raises ConfigError for a key that cannot sign."""
    if access.app is None:
        return PersonalToken(access.token.get_secret_value())
    return AppTokens(
        base_url=access.url,
        app_id=access.app.app_id,
        private_key=access.app.private_key.get_secret_value(),
        timeout=timeout,
        gate=gate,
    )


def _owner(repository: str) -> str:
    return repository.partition("/")[0].casefold()
