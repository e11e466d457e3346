"""The environment is read without ever showing a secret, and what is missing is named with its cure."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devsync.settings.environment import Environment, read_environment
from devsync.settings.problems import ConfigError


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in os.environ:
        if variable.casefold() in Environment.model_fields:
            monkeypatch.delenv(variable)


def test_without_variables_the_public_services_and_local_folders_are_meant() -> None:
    environment = read_environment()
    assert environment.github_api_url == "https://api.github.com"
    assert environment.slack_api_url == "https://slack.com/api"
    assert (environment.config_dir, environment.templates_dir) == (Path("config"), Path("templates"))
    assert environment.worker_version() is None


@pytest.mark.parametrize(
    ("set_variables", "ask", "variable"),
    [
        ({}, Environment.github, "GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": ""}, Environment.github, "GITHUB_TOKEN"),
        ({}, Environment.jira, "JIRA_URL"),
        ({"JIRA_URL": "https://acme.atlassian.net"}, Environment.jira, "JIRA_EMAIL"),
        ({"JIRA_URL": "https://acme.atlassian.net", "JIRA_EMAIL": "a@b.dev"}, Environment.jira, "JIRA_API_TOKEN"),
        ({}, Environment.slack, "SLACK_BOT_TOKEN"),
        ({}, Environment.smtp, "SMTP_URL"),
        ({}, Environment.sender, "MAIL_FROM"),
        ({}, Environment.database, "DATABASE_URL"),
        ({"BUILD_ID": "b"}, Environment.worker_version, "WORKER_DEPLOYMENT"),
        ({"WORKER_DEPLOYMENT": "w"}, Environment.worker_version, "BUILD_ID"),
    ],
)
def test_a_missing_variable_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch,
    set_variables: dict[str, str],
    ask: Callable[[Environment], object],
    variable: str,
) -> None:
    for name, value in set_variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"^{variable} is not set(:|, but) .+"):
        ask(read_environment())


def test_a_service_is_reached_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GITHUB_TOKEN": "g-secret",
        "GITHUB_API_URL": "http://127.0.0.1:4000/",
        "SLACK_BOT_TOKEN": "s-secret",
        "SLACK_API_URL": "http://127.0.0.1:4001/api",
        "JIRA_URL": "https://acme.atlassian.net/",
        "JIRA_EMAIL": "anna@acme.dev",
        "JIRA_API_TOKEN": "j-secret",
    }.items():
        monkeypatch.setenv(name, value)
    environment = read_environment()
    assert environment.github().url == "http://127.0.0.1:4000"
    assert environment.github().token.get_secret_value() == "g-secret"
    assert environment.slack().url == "http://127.0.0.1:4001/api/"
    assert environment.jira().url == "https://acme.atlassian.net"
    assert (environment.jira().email, environment.jira().token.get_secret_value()) == ("anna@acme.dev", "j-secret")
    assert "secret" not in repr(environment).replace("secret=", "").replace("signing_secret", "")


def test_a_github_app_is_preferred_to_a_token_and_its_key_may_stand_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "g-secret")
    monkeypatch.setenv("GITHUB_APP_ID", "4711")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", "-----BEGIN KEY-----\\nAAAA\\n-----END KEY-----")
    environment = read_environment()
    app = environment.github().app
    assert app is not None
    assert app.app_id == "4711"
    assert app.private_key.get_secret_value().splitlines() == ["-----BEGIN KEY-----", "AAAA", "-----END KEY-----"]
    assert "AAAA" not in repr(environment) + repr(environment.github())


@pytest.mark.parametrize(
    ("there", "missing"),
    [("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"), ("GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_ID")],
)
def test_half_a_github_app_is_refused_even_beside_a_token(
    monkeypatch: pytest.MonkeyPatch, there: str, missing: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "g-secret")
    monkeypatch.setenv(there, "something")
    with pytest.raises(ConfigError, match=f"{missing} is not set"):
        read_environment().github()


def test_a_personal_access_token_is_for_data_center(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_URL", "https://jira.acme.dev")
    monkeypatch.setenv("JIRA_PAT", "p")
    assert read_environment().jira().email is None


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "https://github.com"),
        ({"GITHUB_API_URL": "https://api.github.com/"}, "https://github.com"),
        ({"GITHUB_API_URL": "https://github.acme.dev/api/v3/"}, "https://github.acme.dev"),
        ({"GITHUB_API_URL": "https://acme.dev/github/api/v3"}, "https://acme.dev/github"),
        ({"GITHUB_API_URL": "https://x/api/v3", "GITHUB_WEB_URL": "https://pages.acme.dev/"}, "https://pages.acme.dev"),
    ],
)
def test_where_people_see_github_follows_from_the_api_s_address_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert read_environment().github_web() == address


@pytest.mark.parametrize("variable", ["GITHUB_API_URL", "GITHUB_WEB_URL", "JIRA_URL", "SLACK_API_URL"])
@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("hunter2@api.acme.dev", "is not an address; write it with https:// or http://"),
        ("bot:hunter2@api.acme.dev", "is not an address; write it with https:// or http://"),
        ("https://bot:hunter2@api.acme.dev", "has a user or password in its address"),
        ("https://hunter2@api.acme.dev/x", "has a user or password in its address"),
        ("https://:hunter2@api.acme.dev", "has a user or password in its address"),
        ("https://hunter2@api.acme.dev:port", "is not an address; write it with https:// or http://"),
        ("https://", '"https://" is not an address'),
    ],
)
def test_an_address_with_a_login_or_without_a_place_is_refused_and_no_secret_quoted(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str, problem: str
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(ConfigError) as refused:
        read_environment()
    assert str(refused.value).startswith(f"{variable} {problem}")
    assert "hunter2" not in str(refused.value)


def test_a_versioned_worker_has_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_DEPLOYMENT", "changelog")
    monkeypatch.setenv("BUILD_ID", "42")
    assert read_environment().worker_version() == ("changelog", "42")


@pytest.mark.parametrize("name", ["change.log", "change:log", "__changelog", "change log", "änderungen"])
def test_a_deployment_that_the_server_would_ignore_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_DEPLOYMENT", name)
    with pytest.raises(ConfigError) as refused:
        read_environment()
    assert "WORKER_DEPLOYMENT must be letters, digits, - and _" in str(refused.value)


def test_a_program_that_no_queue_can_be_named_after_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVSYNC_PROGRAM", "Nightly import")
    with pytest.raises(ConfigError) as refused:
        read_environment()
    told = "DEVSYNC_PROGRAM must be a-z, 0-9, _ and -, at most 63 characters, as nightly-import"
    assert str(refused.value) == told


def test_every_secret_is_known_by_its_text_and_addresses_by_their_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    monkeypatch.setenv("JIRA_EMAIL", "anna@acme.dev")
    monkeypatch.setenv("DATABASE_URL", "postgresql://devsync:pa%40ss@db.acme.dev/devsync")
    monkeypatch.setenv("SMTP_URL", "smtp://[broken")
    secrets = read_environment().secrets()
    assert {"a-token", "pa%40ss", "pa@ss", "postgresql://devsync:pa%40ss@db.acme.dev/devsync"} <= set(secrets)
    assert "anna@acme.dev" not in secrets


@pytest.mark.parametrize("address", ["127.0.0.1:9464", "0.0.0.0:9464", "[::1]:9464"])
def test_metrics_are_served_at_an_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_ADDRESS", address)
    assert read_environment().metrics_address == address


@pytest.mark.parametrize("address", ["9464", ":9464", "localhost:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:http"])
def test_an_address_that_nobody_can_listen_at_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_ADDRESS", address)
    with pytest.raises(ConfigError, match=r"METRICS_ADDRESS must be an IP address and a port, as 127\.0\.0\.1:9464"):
        read_environment()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.acme.dev", ("mail.acme.dev", 587, "", "", False, False)),
        ("smtp://anna%40acme.dev:p%3Aw@mail.acme.dev:25", ("mail.acme.dev", 25, "anna@acme.dev", "p:w", False, False)),
        ("smtp://mail.acme.dev?starttls=required", ("mail.acme.dev", 587, "", "", False, True)),
        ("smtps://mail.acme.dev/", ("mail.acme.dev", 465, "", "", True, False)),
    ],
)
def test_a_mail_server_by_its_address(url: str, expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    access = read_environment().smtp()
    assert access._replace(password=access.password.get_secret_value()) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    ["mail.acme.dev:587", "http://mail.acme.dev", "smtp://", "smtp://u:secret@mail:port", "smtp://u:secret@m?tls=1"],
)
def test_a_mail_server_that_cannot_be_used_is_refused_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    with pytest.raises(ConfigError, match="SMTP_URL cannot be used") as refused:
        read_environment().smtp()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MAIL_FROM", "changelog"), ("MAIL_FROM", "a@b.dev, c@d.dev"), ("MAIL_FROM", "X <a@b.dev>\nBcc: c@d.dev"),
        ("MAIL_UNSUBSCRIBE", "http://acme.dev/"), ("MAIL_UNSUBSCRIBE", "https://acme.dev/>\r\nX: y"),
        ("OUTGOING_PRIVATE_HOSTS", "10.0.0.0/99"),
    ],
)  # fmt: skip
def test_what_a_mail_or_a_webhook_cannot_use_is_refused(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=variable):
        read_environment()


def test_who_mails_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_FROM", "DevSync Changelog <changelog@acme.dev>")
    monkeypatch.setenv("MAIL_UNSUBSCRIBE", "https://acme.dev/unsubscribe?list=1")
    sender = read_environment().sender()
    assert sender == ("DevSync Changelog", "changelog@acme.dev", "https://acme.dev/unsubscribe?list=1")


def test_a_heartbeat_is_a_secret_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_environment().heartbeat() is None
    monkeypatch.setenv("HEARTBEAT_URL", "https://hc-ping.com/0a1b2c")
    environment = read_environment()
    assert environment.heartbeat() == "https://hc-ping.com/0a1b2c"
    assert "https://hc-ping.com/0a1b2c" in environment.secrets()
    monkeypatch.setenv("HEARTBEAT_URL", "ftp://hc-ping.com/0a1b2c")
    with pytest.raises(ConfigError, match="HEARTBEAT_URL is no address") as refused:
        read_environment().heartbeat()
    assert "0a1b2c" not in str(refused.value)
