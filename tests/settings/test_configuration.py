"""config/ is read as a whole, and everything that is wrong with it is told at once."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from devsync.settings.configuration import UnknownTeam, load_configuration, load_team, load_what_is_right
from devsync.settings.delivery import DeliverySettings
from devsync.settings.problems import ConfigError

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped files with one team, named as a user would name it: relative to the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "teams").mkdir(parents=True)
    files = ("services", "delivery", "recovery", "escalation", "records", "monitoring", "dashboard", "teams/payments")
    for name in files:
        shutil.copy(SHIPPED / f"{name}.yaml", tmp_path / "config" / f"{name}.yaml")
    return Path("config")


def problems_of(config: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_configuration(config)
    return refused.value.problems


def test_the_shipped_configuration_is_valid(config: Path) -> None:
    configuration = load_configuration(config)
    assert list(configuration.teams) == ["payments"]
    assert configuration.delivery.delivery_reserve == timedelta(minutes=2)
    assert configuration.delivery.uncertain_wait_factor == 2
    assert configuration.delivery.slack.retry_schedule[0] == timedelta(seconds=5)
    assert set(configuration.services.root) >= {"github", "jira", "slack", "local"}


def test_the_delivery_settings_survive_a_workflow_history(config: Path) -> None:
    delivery = load_configuration(config).delivery
    assert DeliverySettings.model_validate_json(delivery.model_dump_json()) == delivery


def test_problems_of_all_files_are_told_at_once(config: Path) -> None:
    (config / "services.yaml").write_text("github: 5\n")
    (config / "delivery.yaml").write_text("""\
slack: {retry_schedule: [5s, 1s]}
uncertain_wait_factor: 1
email: {retry_schedule: [30s]}
webhook: {retry_schedule: [5s]}
""")
    (config / "teams" / "ops.yaml").write_text("team: 'ops\n")
    (config / "teams" / "web.yml").write_text("team: web\n")
    assert problems_of(config) == (
        "config/services.yaml:1: github: 5 is not a mapping; write `key: value` pairs",
        'config/delivery.yaml:1: slack.retry_schedule[1]: "1s" is shorter than the wait before; put the waits in order',
        "config/delivery.yaml:2: uncertain_wait_factor: 1 is too small; write 2 or more",
        "config/teams/ops.yaml:2:1: is not YAML: while scanning a quoted scalar, found unexpected end of stream",
        "config/teams/web.yml: is not read; rename it to web.yaml",
    )


def test_a_deadline_within_the_delivery_reserve_is_refused(config: Path) -> None:
    path = config / "teams" / "payments.yaml"
    path.write_text(path.read_text().replace("deliver_by: 2h", "deliver_by: 2m"))
    assert problems_of(config) == (
        "config/teams/payments.yaml:5: deliver_by: leaves no time beside the delivery_reserve of 2m; "
        "write a longer one",
    )


def test_what_is_right_is_everything_but_the_teams_whose_files_are_wrong(config: Path) -> None:
    (config / "teams" / "ops.yaml").write_text("team: 'ops\n")
    (config / "teams" / "web.yaml").write_text("team: wob\n")
    (config / "teams" / "old.yml").write_text("team: old\n")
    right = load_what_is_right(config)
    assert list(right.teams) == ["payments"]
    assert [(team, why.split(":")[0]) for team, why in right.left_out.items()] == [
        ("ops", "config/teams/ops.yaml"),
        ("web", "config/teams/web.yaml"),
    ]
    assert right.team("payments") == load_configuration(SHIPPED).team("payments")


@pytest.mark.parametrize(
    ("file", "text"), [("services.yaml", "github: 5\n"), ("teams/payments.yaml", "team: payments\n")]
)
def test_where_all_teams_are_concerned_nothing_is_right(config: Path, file: str, text: str) -> None:
    (config / file).write_text(text)
    with pytest.raises(ConfigError, match=file):
        load_what_is_right(config)


def test_a_missing_file_is_named(config: Path) -> None:
    (config / "delivery.yaml").unlink()
    assert problems_of(config) == ("config/delivery.yaml: does not exist; create it",)


def test_a_missing_folder_says_how_to_name_it() -> None:
    assert problems_of(Path("nowhere")) == (
        "nowhere: is not a directory; set CONFIG_DIR to the folder that holds services.yaml",
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("paymets", 'the team "paymets" has no file; did you mean "payments"?'),
        ("zzz", 'the team "zzz" has no file; the known ones are payments'),
    ],
)
def test_an_unknown_team_names_the_known_ones(config: Path, name: str, problem: str) -> None:
    with pytest.raises(UnknownTeam) as refused:
        load_configuration(config).team(name)
    assert refused.value.problems == (problem,)
    with pytest.raises(UnknownTeam) as refused:
        load_team(config, name)
    assert refused.value.problems == (problem,)


def test_without_any_team_the_file_to_write_is_named_and_the_folder_may_be_the_wrong_one(config: Path) -> None:
    (config / "teams" / "payments.yaml").unlink()
    for ask in (lambda: load_configuration(config).team("web"), lambda: load_team(config, "web")):
        with pytest.raises(ConfigError, match=r'^the team "web" has no file; write config/teams/web\.yaml$') as refused:
            ask()
        assert not isinstance(refused.value, UnknownTeam)


def test_one_team_is_read_without_opening_the_files_of_others(config: Path) -> None:
    (config / "teams" / "ops.yaml").write_text("team: 'ops\n")
    (config / "teams" / "web.yml").write_text("team: web\n")
    whole = load_configuration(SHIPPED)
    one = load_team(config, "payments")
    assert (one.team, one.services, one.delivery) == (whole.team("payments"), whole.services, whole.delivery)


def test_all_problems_of_one_teams_files_are_told_at_once(config: Path) -> None:
    (config / "services.yaml").write_text("github: 5\n")
    path = config / "teams" / "payments.yaml"
    path.write_text(path.read_text().replace("deliver_by: 2h", "deliver_by: 2m"))
    with pytest.raises(ConfigError) as refused:
        load_team(config, "payments")
    assert [problem.split(": ")[0] for problem in refused.value.problems] == [
        "config/services.yaml:1",
        "config/teams/payments.yaml:5",
    ]
