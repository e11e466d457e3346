"""What an old button, an old page or a key that was typed is told of what has happened since."""

from datetime import timedelta

import pytest

from devsync.domain.health import alerts
from devsync.domain.health.book import AlertBook, AlertState
from devsync.domain.health.since import became_of
from devsync.domain.refusal import NotThere, Refused
from tests.domain.health.alert_watch import CRITICAL, FINE, GITHUB, Watch, firing, wrong
from tests.domain.health.makers import MINUTE, NOW


def fired_again() -> tuple[Watch, str]:
    """It was over and fires again; with the id of the first time."""
    watch = firing()
    first = watch.alert().id
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    watch.tick(10 * MINUTE, wrong("github", level=CRITICAL))
    return watch, first


def test_an_old_button_takes_nothing_that_fired_after_it() -> None:
    watch, first = fired_again()
    with pytest.raises(NotThere, match="was over, and fires again since 2026-11-23 12:10 UTC with a message"):
        alerts.acknowledge(watch.book, first, "anna", NOW + 11 * MINUTE)
    assert watch.alert().state is AlertState.FIRING
    watch.take(alerts.acknowledge(watch.book, GITHUB, "bo", NOW + 11 * MINUTE))
    assert became_of(first, watch.book.alerts).endswith("with a message of its own, and bo looks after it")


def test_an_old_button_of_what_fired_again_and_is_over_says_both() -> None:
    watch, first = fired_again()
    watch.tick(12 * MINUTE, FINE)
    watch.tick(14 * MINUTE, FINE)
    assert became_of(first, watch.book.alerts) == (
        "error_rate:github is over; it fired again at 2026-11-23 12:10 UTC, and is resolved since 2026-11-23 12:14 UTC"
    )


@pytest.mark.parametrize("named", [GITHUB, "error_rate:github@20261123T120000.000000Z"])
def test_of_what_is_over_it_is_said_since_when(named: str) -> None:
    watch = firing()
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    assert became_of(named, watch.book.alerts) == "error_rate:github is resolved already, since 2026-11-23 12:03 UTC"


def test_what_nobody_remembers_is_over_and_what_never_was_is_not_there() -> None:
    assert became_of("error_rate:github@20261123T120000.000000Z", ()) == "error_rate:github is over"
    assert became_of("nothing", ()) == "there is no alert 'nothing'"


def test_all_of_a_message_are_taken_at_once_but_those_that_are_over() -> None:
    watch = Watch()
    watch.tick(timedelta(), wrong("email", "github", "jira", "local", "slack"))
    told_in = {alert.told_in for alert in watch.book.alerts}
    assert len(told_in) == 1, "one notice told them"
    ids = [alert.id for alert in watch.book.alerts]
    rest = wrong("github", "jira", "local", "slack")
    watch.tick(MINUTE, rest)
    watch.tick(3 * MINUTE, rest)
    watch.take(alerts.acknowledge(watch.book, "error_rate:jira", "bo", NOW + 4 * MINUTE))
    watch.take(alerts.acknowledge_all(watch.book, ids, "anna", NOW + 4 * MINUTE))
    assert {alert.key: alert.acknowledged_by for alert in watch.book.alerts} == {
        "error_rate:email": "",
        GITHUB: "anna",
        "error_rate:jira": "bo",
        "error_rate:local": "anna",
        "error_rate:slack": "anna",
    }
    assert len(watch.changed) == 3
    with pytest.raises(Refused, match="none of them fires any more"):
        alerts.acknowledge_all(watch.book, ids, "cleo", NOW + 5 * MINUTE)
    with pytest.raises(Refused):
        alerts.acknowledge_all(AlertBook(), ids, "cleo", NOW)
