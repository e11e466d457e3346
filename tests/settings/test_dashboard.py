"""config/dashboard.yaml is the one register of people, and agrees with what the other files say of them."""

from pathlib import Path

import pytest

from devsync.settings.configuration import load_configuration
from devsync.settings.dashboard import DashboardSettings, new_token, read_dashboard, token_digest
from devsync.settings.problems import ConfigError
from tests.configuration import SHIPPED, shipped_settings

DIGEST = token_digest("a token")
REGISTER = f"""\
people:
  - {{name: anna, role: operate, teams: [payments], email: Anna@acme.dev, slack: U024BE7LH}}
  - {{name: Ben Li, role: view, teams: ["*"], token_sha256: {DIGEST}}}
groups:
  - {{group: leads, role: operate, teams: [payments]}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped files with the team payments, and the register above."""
    monkeypatch.chdir(tmp_path)
    directory = shipped_settings(Path("config"))
    (directory / "teams/payments.yaml").write_text((SHIPPED / "teams/payments.yaml").read_text())
    (directory / "dashboard.yaml").write_text(REGISTER)
    return directory


def let_answer(config: Path, people: str) -> None:
    path = config / "escalation.yaml"
    path.write_text(path.read_text().replace("people: []", f"people: {people}"))


def problems_of(config: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_configuration(config)
    return refused.value.problems


def test_the_shipped_register_names_nobody_and_is_open() -> None:
    assert read_dashboard(SHIPPED / "dashboard.yaml").model == DashboardSettings()
    assert DashboardSettings().is_open


def test_people_are_found_however_they_come(config: Path) -> None:
    register = load_configuration(config).dashboard
    assert not register.is_open
    found = [
        register.person("ANNA"),
        register.person_with_email("anna@ACME.dev"),
        register.person_in_slack("U024BE7LH"),
        register.person("ben li"),
    ]
    assert [person and person.name for person in found] == ["anna", "anna", "anna", "Ben Li"]
    assert [register.person("carl"), register.person_with_email(""), register.person_in_slack("")] == [None] * 3


def test_without_the_file_nobody_has_to_sign_in(config: Path) -> None:
    (config / "dashboard.yaml").unlink()
    assert load_configuration(config).dashboard.is_open


@pytest.mark.parametrize(
    ("people", "problem"),
    [
        (
            "{name: anna, teams: [payments]}",
            "1: people[0].name: has no way to sign in; write email, token_sha256 or slack",
        ),
        (
            "{name: anna, teams: [payments], token_sha256: secret}",
            "1: people[0].token_sha256: is not a sha256 in hexadecimal; make a token by "
            "`python starter.py dashboard token`",
        ),
        (
            '{name: anna, teams: [payments], slack: "@anna"}',
            '1: people[0].slack: "@anna" is no id of a Slack member; copy it from the profile in Slack: '
            '"Copy member ID"',
        ),
        (
            "{name: ben@acme.dev, teams: [payments], email: anna@acme.dev}",
            '1: people[0].name: "ben@acme.dev" is an address; write it as email',
        ),
        (
            "{name: a, teams: [payments], email: a@acme.dev}, {name: b, teams: [payments], email: A@acme.dev}",
            '1: people[1].email: "A@acme.dev" is somebody else\'s already',
        ),
        (
            "{name: anna, teams: [payments], email: a@acme.dev}, {name: Anna, teams: [payments], email: b@acme.dev}",
            '1: people[1].name: "Anna" is somebody else\'s already',
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_cure(config: Path, people: str, problem: str) -> None:
    (config / "dashboard.yaml").write_text(f"people: [{people}]\n")
    assert problems_of(config) == (f"config/dashboard.yaml:{problem}",)


def test_a_team_that_has_no_file_is_told(config: Path) -> None:
    (config / "dashboard.yaml").write_text(REGISTER.replace("[payments]", "[payments, paymets]"))
    assert problems_of(config) == (
        'config/dashboard.yaml:2: people[0].teams[1]: there is no team "paymets"; did you mean "payments"?',
        'config/dashboard.yaml:5: groups[0].teams[1]: there is no team "paymets"; did you mean "payments"?',
    )


def test_who_may_answer_an_escalation_is_of_the_register_and_may_operate(config: Path) -> None:
    let_answer(config, "[Anna, ben li, carl]")
    line = 1 + (config / "escalation.yaml").read_text().splitlines().index("people: [Anna, ben li, carl]")
    assert problems_of(config) == (
        f'config/escalation.yaml:{line}: people[1]: "ben li" may only look, as dashboard.yaml says; '
        "write `role: operate` there, or remove the name",
        f'config/escalation.yaml:{line}: people[2]: "carl" is nobody of dashboard.yaml; '
        "add them there, or remove the name",
    )


def test_somebody_of_a_group_is_called_by_the_address(config: Path) -> None:
    let_answer(config, "[lead@acme.dev]")
    assert load_configuration(config).escalation.people == ("lead@acme.dev",)
    (config / "dashboard.yaml").write_text(REGISTER.partition("groups:")[0])
    assert "is nobody of dashboard.yaml" in problems_of(config)[0]


def test_an_open_dashboard_says_nothing_of_who_may_answer(config: Path) -> None:
    let_answer(config, "[anna]")
    (config / "dashboard.yaml").write_text("people: []\n")
    assert load_configuration(config).escalation.people == ("anna",)


def test_tokens_are_long_and_each_another() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) == 43
