"""The `jira` library (3.10) with its surprises off: a call is one request, and its answer is true or an exception.

What the library does by itself, and where it is stopped:

- sleeps and retries on 429, 503 and broken connections, sooner than the server asked: `max_retries=0`;
- asks `serverInfo` for each new client, and `field` before each first search, to translate names of fields (to a
  custom field of the same name, too): `get_server_info=False` and `_fields_cache`;
- gives None for a search, without an exception, where it does not know which JIRA it talks to: `deploymentType`;
- repeats `serverInfo` where the answer holds nothing: `server_info`;
- takes an empty body for `{}`, follows redirects with the credentials, trips over error bodies that are no object:
  `_checked`, which sees every answer before the library does;
- logs whole answers: `logging=False`.
"""

from datetime import timedelta
from typing import Any

import requests
from jira import JIRA, JIRAError

from devsync.runtime.classification import CredentialsRefused, MalformedAnswer
from devsync.runtime.jira_identity import redirected, refused_login
from devsync.settings.problems import ConfigError


class JiraLibrary(JIRA):
    """`email` and its API token mean Cloud (REST v3), a personal access token alone means Data Center (REST v2)."""

    def __init__(
        self, *, server: str, email: str | None, token: str, connect_timeout: timedelta, read_timeout: timedelta
    ) -> None:
        super().__init__(
            server=server,
            basic_auth=(email, token) if email is not None else None,
            token_auth=token if email is None else None,
            options={"rest_api_version": "3" if email is not None else "2"},
            max_retries=0,
            timeout=(connect_timeout.total_seconds(), read_timeout.total_seconds()),
            get_server_info=False,
            logging=False,
        )
        self.deploymentType = "Cloud" if email is not None else "Server"
        self._session.hooks["response"].append(_checked)

    def server_info(self) -> dict[str, Any]:
        """One request, whatever it gives."""
        answer: dict[str, Any] = self._get_json("serverInfo")
        return answer

    def agile(self, path: str, parameters: dict[str, str]) -> Any:
        """One request to the agile API, which is the same on both kinds of JIRA."""
        return self._get_json(path, parameters, base=self.AGILE_BASE_URL)

    @property
    def _fields_cache(self) -> dict[str, str]:
        """No translation: fields are asked for by their ids."""
        return {}


def _checked(response: requests.Response, *_: Any, **__: Any) -> None:
    """Raises for every answer that is not what was asked for, before the library retries, follows or parses it.

    ConfigError for a redirect, CredentialsRefused, JIRAError for an error status, MalformedAnswer for a success
    that is no JSON.
    """
    operation = f"{response.request.method} {response.request.path_url.partition('?')[0]}"
    if response.is_redirect:
        raise ConfigError([redirected(response.headers["Location"])])
    if refusal := refused_login(response.headers):
        raise CredentialsRefused("jira", refusal)
    if not response.ok:
        raise JIRAError(f"{operation} failed", status_code=response.status_code, url=response.url, response=response)
    if not response.content:
        raise MalformedAnswer("jira", operation, "an empty body")
    if "html" in response.headers.get("Content-Type", ""):
        raise MalformedAnswer("jira", operation, "a web page, as a login or a proxy sends it")
