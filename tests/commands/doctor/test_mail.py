"""`doctor` on the mail server: what is well, what is wrong, and that no mail is sent to find out."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from commands.doctor.findings import Finding
from commands.doctor.mail import check_mail
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from sandbox.running import Sandbox, run_sandbox
from sandbox.smtp import INBOX
from sandbox.worlds.demo import demo_world
from tests.configuration import shipped_settings


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["smtp"]) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


async def found(directory: Path, channel: str = "{kind: email, to: [a@acme.test]}") -> list[Finding]:
    config = shipped_settings(directory / "config")
    (config / "teams" / "core.yaml").write_text(
        f"team: core\ntimezone: UTC\njira: {{projects: [CORE]}}\nchannels: [{channel}]\n"
    )
    return [one async for one in check_mail(read_environment(), load_configuration(config))]


async def test_a_server_that_answers_is_greeted_and_gets_no_mail(sandbox: Sandbox, tmp_path: Path) -> None:
    (finding,) = await found(tmp_path)
    assert finding.is_ok
    assert "answers" in finding.detail
    assert sandbox.apps["smtp"][INBOX].mails == []


@pytest.mark.parametrize(
    "change",
    [
        lambda url: re.sub(r":\d+$", ":1", url),
        lambda url: url.replace("sandbox-smtp-password", "another"),
        lambda url: f"{url}?starttls=required",
    ],
    ids=["a closed port", "a wrong password", "encryption that is not offered"],
)
async def test_what_would_keep_a_mail_from_going_out_is_told_with_the_variable_to_look_at(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    monkeypatch.setenv("SMTP_URL", change(sandbox.environment["SMTP_URL"]))
    (finding,) = await found(tmp_path)
    assert not finding.is_ok
    assert "SMTP_URL" in finding.cure
    assert "another" not in finding.detail


async def test_without_a_server_in_the_environment_it_says_which_variable(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMTP_URL")
    (finding,) = await found(tmp_path)
    assert not finding.is_ok
    assert "SMTP_URL" in finding.cure


async def test_a_team_without_mail_needs_no_server(tmp_path: Path) -> None:
    assert await found(tmp_path, '{kind: slack, channel: "#core"}') == []
