"""What JIRA says of itself and of us: read by the client and by `doctor`, worded once."""

from collections.abc import Mapping

_REFUSED_LOGINS = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")


def refused_login(headers: Mapping[str, str]) -> str:
    """How an answer says that it is for a stranger; empty: it does not. Header names in any case (requests, httpx).

    JIRA may answer a login that failed with 200 and with what a stranger sees: nothing, or the public issues.
    """
    denied = headers.get("X-Authentication-Denied-Reason", "")
    if denied.startswith("CAPTCHA_CHALLENGE"):
        page = denied.partition("login-url=")[2]
        return f"wants a CAPTCHA solved, log in once in a browser{f' at {page}' if page else ''}"
    reason = headers.get("X-Seraph-LoginReason", "")
    if any(refused in reason for refused in _REFUSED_LOGINS):
        return f"refused the login ({reason})"
    if headers.get("X-AUSERNAME") == "anonymous":
        return "took us for the anonymous user"
    return ""


def wrong_kind(server: str, deployment: str, *, wants_cloud: bool) -> str:
    """What to say to someone whose credentials are for the other kind of JIRA; empty when they fit.

    `deployment` is `deploymentType` of `serverInfo`: Data Center says "Server", whatever its licence.
    """
    if (deployment == "Cloud") is wants_cloud:
        return ""
    if wants_cloud:
        return f"JIRA_URL {server} is JIRA Data Center: set JIRA_PAT instead of JIRA_EMAIL and JIRA_API_TOKEN"
    return f"JIRA_URL {server} is JIRA Cloud: set JIRA_EMAIL and JIRA_API_TOKEN instead of JIRA_PAT"


def redirected(target: str) -> str:
    """What to say when JIRA_URL leads on to `target`: credentials are not carried there."""
    return (
        f"JIRA_URL leads on to {target.partition('?')[0]}; write the address that answers itself (https, with the"
        " path that JIRA is served under), and let its API pass any single sign-on"
    )
