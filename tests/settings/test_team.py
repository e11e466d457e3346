"""A team's file means what it says, and every wrong value is refused with the right one."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from devsync.settings.problems import ConfigError
from devsync.settings.team import (
    EmailChannel,
    GitHubSource,
    JiraSource,
    SlackChannel,
    TeamConfig,
    WebhookChannel,
    read_team,
)

EXAMPLE = Path(__file__).parents[2] / "config" / "teams" / "payments.yaml"

VALID = """\
team: eng
timezone: Europe/Berlin
deliver_by: 2h
github:
  repositories: [acme/api, acme/web]
jira: {projects: [PAY]}
channels:
  - {kind: slack, channel: "#eng"}
"""


def test_the_example_is_read_as_it_is_written() -> None:
    team = read_team(EXAMPLE).model
    assert team.schedule is not None
    assert (team.schedule.day, team.schedule.time, team.schedule.jitter) == (
        "monday",
        time(9),
        timedelta(minutes=2),
    )
    assert team.deliver_by == timedelta(hours=2)
    assert team.github == GitHubSource(
        repositories=("acme/payments-api", "acme/payments-web"),
        exclude_labels=("skip-changelog",),
        mirrors={"acme/payments-api": "https://git.acme.dev/payments-api.git"},
    )
    assert team.jira == JiraSource(projects=("PAY",), boards=(42,), incident_types=("Incident",))
    assert team.channels == (
        SlackChannel(channel="#payments", alternatives=("#payments-backup",)),
        EmailChannel(to=("payments@acme.dev",), only_as_fallback=True),
        WebhookChannel(url="https://hooks.acme.dev/changelog", secret_env="PAYMENTS_WEBHOOK_SECRET"),
    )
    assert (team.approval.required, team.approval.wait) == (False, timedelta(minutes=90))


def test_a_team_survives_a_workflow_history() -> None:
    team = read_team(EXAMPLE).model
    assert TeamConfig.model_validate_json(team.model_dump_json()) == team


def test_an_older_build_reads_a_team_with_a_newer_field() -> None:
    newer = read_team(EXAMPLE).model.model_dump(mode="json") | {"mood": "good"}
    assert TeamConfig.model_validate(newer) == read_team(EXAMPLE).model


def test_what_is_left_out_has_the_usual_value(tmp_path: Path) -> None:
    team = _read(tmp_path, VALID)
    assert team.schedule is None
    assert team.calendar is None
    assert (team.period, team.audience, team.escalation) == ("previous_week", "engineering", "default")
    assert team.approval.required is False


def _read(folder: Path, text: str) -> TeamConfig:
    path = folder / "eng.yaml"
    path.write_text(text)
    return read_team(path).model


CHANNEL = '{kind: slack, channel: "#eng"}'


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("team: eng", "team: sre", '1: team: "sre" is not the name of the file; write "eng" or rename the file'),
        ("team: eng", "team: Eng", '1: team: "Eng" is not a team name (a-z, 0-9 and "-"); write "eng"'),
        (
            "Europe/Berlin",
            "Europe/Berln",
            '2: timezone: "Europe/Berln" is not a timezone of the IANA database; did you mean "Europe/Berlin"?',
        ),
        (
            "Europe/Berlin",
            "CETish+1",
            '2: timezone: "CETish+1" is not a timezone of the IANA database; write one like "Europe/Berlin" or "UTC"',
        ),
        ("2h", "2 hour", '3: deliver_by: "2 hour" is not a duration; write "2h"'),
        (
            "channels:",
            "calendar: {holidays: DE-XX}\nchannels:",
            '7: calendar.holidays: "DE-XX": no holidays are known of a part XX of DE; '
            "it has BB, BE, BW, BY, HB, HE, HH, MV, NI, NW, RP, SH, SL, SN, ST, TH",
        ),
        (
            "channels:",
            "calendar: {holidays: QQ}\nchannels:",
            '7: calendar.holidays: "QQ": no holidays are known of a country QQ; see ISO 3166',
        ),
        (
            "channels:",
            "refresh: {every: 5m}\nchannels:",
            "7: refresh.every: is not between 15m and 1d",
        ),
        (
            "  repositories: [acme/api, acme/web]",
            "  repositories: [acme/api, acme/web]\n  deployments: [production]\n  api: rest",
            "6: github.deployments: are told by GraphQL alone, which api: rest rules out; write api: auto",
        ),
        ("2h", "0s", '3: deliver_by: "0s" is no time at all; write a longer duration'),
        ("[acme/api, acme/web]", "[]", "5: github.repositories: the list is empty; write at least 1"),
        (
            "acme/api",
            "https://github.com/acme/api",
            '5: github.repositories[0]: "https://github.com/acme/api" is not a repository; write "acme/api"',
        ),
        (
            "acme/api",
            "git@github.com:acme/api.git",
            '5: github.repositories[0]: "git@github.com:acme/api.git" is not a repository; write "acme/api"',
        ),
        (
            "acme/web",
            "web",
            '5: github.repositories[1]: "web" is not a repository; write owner/name, as "acme/payments-api"',
        ),
        ("acme/web", "Acme/API", '5: github.repositories[1]: "Acme/API" is listed twice; remove one'),
        (
            "jira:",
            "  mirrors: {acme/ios: https://git.acme.dev/ios.git}\njira:",
            "6: github.mirrors.acme/ios: is a mirror of a repository that is not listed; add it to repositories",
        ),
        (
            "jira:",
            "  mirrors: {acme/api: https://me:pass@git.acme.dev/api.git}\njira:",
            "6: github.mirrors.acme/api: has a user or password in its address, where no secret may be; take it out",
        ),
        (
            "jira:",
            "  mirrors: {acme/api: 'ssh://-oProxyCommand=x/api.git'}\njira:",
            "6: github.mirrors.acme/api: names a host that begins with a hyphen, which none does; correct it",
        ),
        (
            "jira:",
            "  mirrors: {acme/api: git.acme.dev}\njira:",
            '6: github.mirrors.acme/api: "git.acme.dev" is not an address; '
            "write it with https://, http://, ssh://, git:// or file://",
        ),
        (
            "jira:",
            "  include_labels: [a]\n  exclude_labels: [b, a]\njira:",
            '7: github.exclude_labels[1]: "a" is included as well; remove one',
        ),
        ("jira:", "  api: soap\njira:", '6: github.api: "soap" is not a known api; write auto, graphql or rest'),
        ("[PAY]", "[pay]", '6: jira.projects[0]: "pay" is not a JIRA project key; write "PAY"'),
        (
            "[PAY]",
            "[PAY-1]",
            '6: jira.projects[0]: "PAY-1" is not a JIRA project key; write the key before "-1", as "PAY"',
        ),
        ("[PAY]", "[PAY, OPS, PAY]", '6: jira.projects[2]: "PAY" is listed twice; remove one'),
        ("{projects: [PAY]}", "{boards: [1]}", "6: jira.projects: is missing; write for example `projects: [PAY]`"),
        ("[PAY]", "[PAY], boards: [0]", "6: jira.boards[0]: 0 is too small; write a number above 0"),
        (
            "jira: {projects: [PAY]}",
            "calendar: {}",
            "6: calendar: names neither ics nor holidays; write one or remove the calendar",
        ),
        (
            "jira: {projects: [PAY]}",
            "calendar: {holidays: Germany}",
            '6: calendar.holidays: "Germany" is not a country or region (ISO 3166); write one like "DE" or "DE-BE"',
        ),
        (
            "jira: {projects: [PAY]}",
            "calendar: {ics: calendar.ics}",
            '6: calendar.ics: "calendar.ics" is not an address; write it with https:// or http://',
        ),
        (
            "jira: {projects: [PAY]}",
            'schedule: {day: monday, time: "9:00"}',
            '6: schedule.time: "9:00" is not a time of day; write "09:00"',
        ),
        (
            "jira: {projects: [PAY]}",
            "schedule: {day: monday, time: 25:00}",
            '6: schedule.time: "25:00" is not a time of day; write hours and minutes, as "09:00"',
        ),
        (
            "jira: {projects: [PAY]}",
            "schedule: {day: mon, time: 10:00}",
            '6: schedule.day: "mon" is not a known day; did you mean "monday"?',
        ),
        (
            "jira: {projects: [PAY]}",
            "schedule: {time: 10:00}",
            "6: schedule.day: is missing; write for example `day: monday`",
        ),
        (CHANNEL, "{kind: slak}", '8: channels[0].kind: "slak" is not a known kind; did you mean "slack"?'),
        (CHANNEL, '{channel: "#eng"}', "8: channels[0].kind: is missing; write slack, email or webhook"),
        (CHANNEL, "{kind: slack}", '8: channels[0].channel: is missing; write for example `channel: "#payments"`'),
        (CHANNEL, "slack", '8: channels[0]: "slack" is not a mapping; write `key: value` pairs'),
        ('"#eng"', "Eng", '8: channels[0].channel: "Eng" is not a Slack channel; write "#eng"'),
        (
            '"#eng"',
            "the team",
            '8: channels[0].channel: "the team" is not a Slack channel; write it as "#payments" or by its id',
        ),
        (
            '"#eng"',
            '"#eng", chanel: 1',
            '8: channels[0].chanel: is not a known key; did you mean "channel"?',
        ),
        (
            '"#eng"',
            '"#eng", alternatives: ["#a", "#eng"]',
            '8: channels[0].alternatives[1]: "#eng" is the channel itself; remove it',
        ),
        (
            CHANNEL,
            "{kind: email, to: [eng]}",
            '8: channels[0].to[0]: "eng" is not a mail address; write it as "payments@acme.dev"',
        ),
        (CHANNEL, "{kind: email, to: []}", "8: channels[0].to: the list is empty; write at least 1"),
        (
            CHANNEL,
            "{kind: email, to: [a@b.dev], only_as_fallback: true}",
            "7: channels: are all fallbacks; add one that is not",
        ),
        (
            CHANNEL,
            "{kind: webhook, url: https://h.dev, secret_env: hunter2}",
            "8: channels[0].secret_env: is not the name of an environment variable; "
            'write one like "PAYMENTS_WEBHOOK_SECRET"',
        ),
        (
            CHANNEL,
            f'{CHANNEL}\n  - {{kind: slack, channel: "#ops", alternatives: ["#a", "#eng"]}}',
            '9: channels[1].alternatives[1]: "#eng" gets the edition anyway; remove it',
        ),
        (
            CHANNEL,
            f'{CHANNEL}\n  - {{kind: email, to: [a@b.dev], alternatives: ["#eng"]}}',
            '9: channels[1].alternatives[0]: "#eng" gets the edition anyway; remove it',
        ),
        (
            CHANNEL,
            f'{CHANNEL}\n  - {{kind: email, to: [a@b.dev], only_as_fallback: true, alternatives: ["#a"]}}',
            "9: channels[1].alternatives: are never used: the mail is a fallback itself; remove them",
        ),
        (
            CHANNEL,
            '{kind: slack, channel: "#eng", after_fallback: never}',
            '8: channels[0].after_fallback: "never" is not a known after_fallback; write post_late or drop',
        ),
        (CHANNEL, f"{CHANNEL}\n  - {CHANNEL}", "9: channels[1]: is the same as a channel above; remove one"),
        (
            "jira: {projects: [PAY]}",
            "approval: {required: true}",
            '6: approval.reviewers: approval is required from nobody; write for example ["#payments-leads"]',
        ),
        (
            "jira: {projects: [PAY]}",
            "approval: {reviewers: [Anna]}",
            '6: approval.reviewers[0]: "Anna" is nobody in Slack; write "#channel", "@user" or an id',
        ),
        (
            "jira: {projects: [PAY]}",
            'approval: {required: true, reviewers: ["@anna"], wait: 2h}',
            "6: approval.wait: is not shorter than deliver_by, which it lies inside; shorten it or deliver later",
        ),
        (
            "jira: {projects: [PAY]}",
            "period: next_week",
            '6: period: "next_week" is not a known period; write previous_week or since_last_edition',
        ),
    ],
)
def test_a_wrong_value_is_refused_with_the_right_one(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in VALID
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(old, new, 1))
    assert refused.value.problems == (f"{tmp_path}/eng.yaml:{problem}",)


@pytest.mark.parametrize(
    ("without", "problem"),
    [
        ("github:\n  repositories: [acme/api, acme/web]\njira: {projects: [PAY]}\n", "the team has no source; "),
        ('channels:\n  - {kind: slack, channel: "#eng"}\n', "channels: is missing; "),
        ("timezone: Europe/Berlin\n", "timezone: is missing; write for example `timezone: Europe/Berlin`"),
    ],
)
def test_a_team_has_a_timezone_a_source_and_a_channel(tmp_path: Path, without: str, problem: str) -> None:
    assert without in VALID
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(without, ""))
    assert str(refused.value).startswith(f"{tmp_path}/eng.yaml:1: {problem}")


WITH_SECRETS = ["https://a:hunter2@h.dev", "https://hunter2@h.dev/x", "https://hunter2@[::1", "ftp://hunter2@h.dev"]


@pytest.mark.parametrize("url", WITH_SECRETS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CHANNEL, "{{kind: webhook, url: '{url}', secret_env: hunter2}}"),
        ("jira: {projects: [PAY]}", "calendar: {{ics: '{url}'}}"),
        ("\njira:", "\n  mirrors: {{acme/api: '{url}'}}\njira:"),
    ],
)
def test_an_address_with_a_login_is_refused_and_no_secret_quoted(tmp_path: Path, url: str, old: str, new: str) -> None:
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(old, new.format(url=url), 1))
    assert "address" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_mirror_by_ssh_names_the_user_that_all_share(tmp_path: Path) -> None:
    def mirror(url: str) -> str:
        return VALID.replace("\njira:", f"\n  mirrors: {{acme/api: {url}}}\njira:", 1)

    team = _read(tmp_path, mirror("ssh://git@git.acme.dev/api.git"))
    assert team.github is not None
    assert team.github.mirrors == {"acme/api": "ssh://git@git.acme.dev/api.git"}
    for refused in ("ssh://git:hunter2@git.acme.dev/api.git", "ssh://hunter2@git.acme.dev/api.git"):
        with pytest.raises(ConfigError, match="user or password"):
            _read(tmp_path, mirror(refused))
