"""Services are spelled as their owners do, where words stand and not keys."""

import pytest

from devsync.domain.spelling import sentence, service_name, spelled


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("github: 50.0 % of 100 calls failed", "GitHub: 50.0 % of 100 calls failed"),
        ("2 breakers are open: github, jira", "2 breakers are open: GitHub, JIRA"),
        ("slack answered 429 (ratelimited)", "Slack answered 429 (ratelimited)"),
        ("no calls go out to jira, whose breaker is open", "no calls go out to JIRA, whose breaker is open"),
        ("(github)", "(GitHub)"),
        ("last: github's status page", "last: GitHub's status page"),
    ],
)
def test_a_word_is_spelled_as_its_owner_does(words: str, told: str) -> None:
    assert spelled(words) == told


@pytest.mark.parametrize(
    "words",
    [
        "github:acme/web", "error_rate:github", "*:github", "github.concurrency", "acme/github", "#jira-oncall",
        "https://github.com/x", "slack-payments", "GITHUB_TOKEN", "githubs", "octogithub", "a@slack.com", '"github"',
        "calendar", "",
    ],
)  # fmt: skip
def test_a_key_stays_one(words: str) -> None:
    assert spelled(words) == words


def test_a_sentence_begins_with_a_capital_or_a_name() -> None:
    told = {
        "": "",
        "no one": "No one",
        "GitHub": "GitHub",
        "github is degraded: no answer": "GitHub is degraded: no answer",
        "jira: limits our rate": "JIRA: limits our rate",
        "github:acme/web is missing": "github:acme/web is missing",
        "github.collect failed": "github.collect failed",
        "jirafe": "Jirafe",
        "look: python starter.py breaker show github": "Look: python starter.py breaker show github",
    }
    assert {words: sentence(words) for words in told} == told


def test_other_services_are_called_as_the_configuration_calls_them() -> None:
    assert [service_name(one) for one in ("jira", "calendar", "own")] == ["JIRA", "calendar", "own"]
