"""config/escalation.yaml means what it says, and every mistake is told with its line and its cure."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from devsync.domain.errors import ErrorSeverity
from devsync.domain.escalation.policy import EscalationPolicy, Target
from devsync.domain.recovery.decision import Decision
from devsync.settings.configuration import load_configuration, load_team
from devsync.settings.escalation import EscalationSettings, read_escalation
from devsync.settings.problems import ConfigError
from tests.configuration import SHIPPED, shipped_settings

TODAY = date(2026, 11, 23)
VALID = """\
policies:
  default:
    entry: {medium: team_lead, critical: executive}
    repeat_window: 12h
    default_decision: skip
    business_hours: {timezone: Europe/Berlin, opens: "09:00", closes: "17:00", holidays: DE-BE, closed: [2026-12-24]}
    levels:
      - name: team_lead
        targets: [{kind: slack, to: "#leads"}, {kind: email, to: lead@acme.dev}]
        delay: 2h
        business_time: true
      - name: executive
        targets: [{kind: webhook, to: "https://pager.acme.dev/x", secret_env: PAGER_SECRET}]
        delay: 1h
        repeats: 2
  platform:
    entry: {high: oncall}
    levels:
      - {name: oncall, targets: [{kind: slack, to: "#platform"}], delay: 5m}
services: {github: platform}
people: [anna, Ben Li]
"""


def read(directory: Path, text: str) -> EscalationSettings:
    path = directory / "escalation.yaml"
    path.write_text(text)
    return read_escalation(path).model


def test_a_policy_is_resolved_with_its_dates(tmp_path: Path) -> None:
    policy = read(tmp_path, VALID).policy_for("", "default", TODAY)
    assert policy.level_names == ("team_lead", "executive")
    lead, executive = policy.levels
    assert lead.targets == (Target(kind="slack", target="#leads"), Target(kind="email", target="lead@acme.dev"))
    assert (lead.delay, lead.counts_business_time, executive.repeats) == (timedelta(hours=2), True, 2)
    assert executive.targets[0].secret_env == "PAGER_SECRET"
    assert policy.entry == {
        ErrorSeverity.LOW: None,
        ErrorSeverity.MEDIUM: "team_lead",
        ErrorSeverity.HIGH: None,
        ErrorSeverity.CRITICAL: "executive",
    }
    assert policy.people == ("anna", "Ben Li")
    assert (policy.default_decision, policy.repeat_window) == (Decision.SKIP, timedelta(hours=12))
    assert policy.business_hours is not None
    assert policy.business_hours.weekdays == frozenset(range(5))
    # Christmas, the women's day of Berlin, and the day that only this file names; of both years.
    days = {date(2026, 12, 25), date(2027, 3, 8), date(2026, 12, 24), date(2027, 12, 25)}
    assert days <= policy.business_hours.holidays
    assert EscalationPolicy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    ("service", "named", "expected"),
    [
        ("", "platform", "platform"),
        ("github", "default", "platform"),
        ("jira", "default", "default"),
        ("jira", "platform", "platform"),
        ("", "gone", "default"),
    ],
)
def test_which_policy_holds(tmp_path: Path, service: str, named: str, expected: str) -> None:
    assert read(tmp_path, VALID).policy_for(service, named, TODAY).name == expected


def test_the_shipped_policy_fits_into_an_editions_time() -> None:
    policy = read_escalation(SHIPPED / "escalation.yaml").model.policy_for("github", "default", TODAY)
    assert policy.level_names == ("team_lead", "engineering_manager", "incident_response", "executive")
    assert policy.entry[ErrorSeverity.LOW] is None
    assert sum((level.delay * (1 + level.repeats) for level in policy.levels), timedelta()) <= timedelta(hours=2)
    assert {target.target for level in policy.levels for target in level.targets} == {"#oncall"}


PROBLEMS = [
    ("  default:", "  defaults:", '1: policies: has no policy "default"; add it'),
    ("medium: team_lead", "medium: team_led", '3: policies.default.entry.medium: there is no level "team_led"; did'),
    ("medium: team_lead", "mild: team_lead", "3: policies.default.entry.mild"),
    ("12h", "12 hours", '4: policies.default.repeat_window: "12 hours" is not a duration; write "12h"'),
    ("skip", "shrug", "5: policies.default.default_decision"),
    ("DE-BE", "DE-XX", '6: policies.default.business_hours.holidays: "DE-XX": no holidays are known of a part XX'),
    ("2026-12-24", "24.12.2026", "6: policies.default.business_hours.closed"),
    ("Europe/Berlin", "Europe/Berln", '6: policies.default.business_hours.timezone: "Europe/Berln" is not a timezone'),
    ('"#leads"', '"leads"', '9: policies.default.levels[0].targets[0]'),
    ("lead@acme.dev", "lead", '9: policies.default.levels[0].targets[1]'),
    ("delay: 2h", "delay: 31d", '10: policies.default.levels[0].delay: "31d" is longer than a month; write "30d"'),
    ("name: executive", "name: The boss",
     '12: policies.default.levels[1].name: "The boss" is not a level\'s name; write it with a-z, 0-9 and "_", as'),
    ("  platform:", "  Platform team:",
     '16: policies.Platform team: "Platform team" is not a policy\'s name; write it with a-z, 0-9 and "-", as "on-'),
    ("name: executive", "name: team_lead", '12: policies.default.levels[1].name: "team_lead" is a level already'),
    ("repeats: 2", "repeats: 21", "15: policies.default.levels[1].repeats: 21 is too large; write 20 or less"),
    ("delay: 5m", "delay: 5m, business_time: true",
     "19: policies.platform.levels[0].business_time: the policy has no business_hours; add them, or remove this"),
    ("github: platform", "github: platfrom", '20: services.github: "platfrom" is no policy of escalation.yaml'),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "problem"), PROBLEMS, ids=[wrong for _, wrong, _ in PROBLEMS])
def test_each_mistake_has_its_line_and_its_cure(tmp_path: Path, right: str, wrong: str, problem: str) -> None:
    assert right in VALID
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, VALID.replace(right, wrong, 1))
    assert any(one.startswith(f"{tmp_path}/escalation.yaml:{problem}") for one in refused.value.problems), (
        refused.value.problems
    )


def test_a_team_that_names_an_unknown_policy_is_refused_and_its_edition_is_made_all_the_same(tmp_path: Path) -> None:
    shipped_settings(tmp_path)
    team = (SHIPPED / "teams" / "payments.yaml").read_text().replace("escalation: default", "escalation: defalt")
    (tmp_path / "teams" / "payments.yaml").write_text(team)
    with pytest.raises(ConfigError) as refused:
        load_configuration(tmp_path)
    problem = 'escalation: "defalt" is no policy of escalation.yaml; did you mean "default"?'
    assert [one.split(": ", 1)[1] for one in refused.value.problems] == [problem]
    assert load_team(tmp_path, "payments").team.escalation == "defalt"


def test_who_is_asked_must_be_reachable_by_the_workers(tmp_path: Path) -> None:
    shipped_settings(tmp_path)
    (tmp_path / "escalation.yaml").write_text(VALID)
    configuration = load_configuration(tmp_path)
    assert all(configuration.uses(kind) for kind in ("slack", "email", "webhook"))
